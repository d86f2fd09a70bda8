// What makes pages quicker to use. Every page works without it.
(function () {
    "use strict";

    function showLocalTimes(root) {
        root.querySelectorAll("time[datetime]:not([data-local])").forEach(function (element) {
            var moment = new Date(element.getAttribute("datetime"));
            if (Number.isNaN(moment.getTime())) { return; }
            element.dataset.local = "";
            element.title = element.textContent.trim();
            var options = element.dataset.style === "date"
                ? { dateStyle: "medium" }
                : { dateStyle: "medium", timeStyle: element.dataset.style === "precise" ? "medium" : "short" };
            element.textContent = new Intl.DateTimeFormat(document.documentElement.lang || "en", options).format(moment);
        });
    }

    function offerCopies(root) {
        root.querySelectorAll("[data-copy]:not([data-ready])").forEach(function (button) {
            button.dataset.ready = "";
            button.hidden = false;
            button.addEventListener("click", function () {
                var source = document.getElementById(button.dataset.copy);
                var words = button.textContent;
                navigator.clipboard.writeText(source.value || source.textContent.trim()).then(function () {
                    button.textContent = "Copied";
                    announce("Copied to the clipboard.");
                    window.setTimeout(function () { button.textContent = words; }, 2000);
                }, function () {
                    announce("Copying was not allowed. Select the text and copy it by hand.");
                });
            });
        });
    }

    function announce(words) {
        var place = document.getElementById("announcements");
        if (place) { place.textContent = words; }
    }

    // A second click on a button that is at work does nothing; the server would not do it twice either.
    document.addEventListener("submit", function (event) {
        var form = event.target;
        if (form.dataset.busy !== undefined && !form.hasAttribute("hx-post")) { event.preventDefault(); return; }
        form.dataset.busy = "";
        window.setTimeout(function () { delete form.dataset.busy; }, 4000);
    });
    window.addEventListener("pageshow", function (event) {
        if (event.persisted && document.querySelector("[data-shown-once]")) { window.location.reload(); }
    });

    function openDialogs(root) {
        root.querySelectorAll("[data-opens]:not([data-ready])").forEach(function (button) {
            button.dataset.ready = "";
            button.addEventListener("click", function () { document.getElementById(button.dataset.opens).showModal(); });
        });
        root.querySelectorAll("select[data-submits]:not([data-ready])").forEach(function (select) {
            select.dataset.ready = "";
            select.addEventListener("change", function () { select.form.requestSubmit(); });
        });
    }

    function prepare(root) {
        showLocalTimes(root);
        offerCopies(root);
        openDialogs(root);
        var summary = root.querySelector(".error-summary");
        if (summary) { summary.focus(); }
    }

    document.addEventListener("keydown", function (event) {
        var isTyping = event.target.closest("input, textarea, select, [contenteditable]");
        if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
            var search = document.querySelector("[data-search]");
            if (search) { event.preventDefault(); search.focus(); }
        }
    });
    document.addEventListener("DOMContentLoaded", function () { prepare(document); });
    document.addEventListener("htmx:after:swap", function () { prepare(document); });
}());
