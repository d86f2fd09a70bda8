// The documentation's tabs stay at the language that the reader chose last. Every page works without it.
(function () {
    "use strict";
    var PLACE = "docs-language";

    function stored() {
        try { return window.localStorage.getItem(PLACE); } catch (_refused) { return null; }
    }

    function choose(language) {
        document.querySelectorAll("[data-language]").forEach(function (tab) { tab.checked = tab.value === language; });
    }

    document.addEventListener("DOMContentLoaded", function () {
        var language = stored();
        if (language && document.querySelector("[data-language][value='" + CSS.escape(language) + "']")) { choose(language); }
    });
    document.addEventListener("change", function (event) {
        if (!event.target.matches("[data-language]")) { return; }
        try { window.localStorage.setItem(PLACE, event.target.value); } catch (_refused) { /* private windows */ }
    });
}());
