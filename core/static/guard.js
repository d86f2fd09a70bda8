// Asks before a page is left whose changes were not sent. What is previewed but not published counts too.
(function () {
    "use strict";

    var isLeavingOnPurpose = false;

    function hasChanges() { return document.querySelector("form[data-guard].is-changed, form[data-guard][data-unsaved]") !== null; }

    document.addEventListener("input", function (event) {
        var form = event.target.closest("form[data-guard]");
        if (form) { form.classList.add("is-changed"); }
    });
    document.addEventListener("submit", function (event) {
        var isSentAside = event.submitter && event.submitter.hasAttribute("hx-post");
        if (event.target.matches("form[data-guard]") && !isSentAside) { isLeavingOnPurpose = true; }
    });
    document.addEventListener("click", function (event) {
        if (event.target.closest("[data-discard]")) { isLeavingOnPurpose = true; }
    });
    window.addEventListener("beforeunload", function (event) {
        if (hasChanges() && !isLeavingOnPurpose) { event.preventDefault(); }
    });
}());
