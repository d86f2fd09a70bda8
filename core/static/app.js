// What makes pages quicker to use. Every page works without it.
(function () {
    "use strict";

    // Pages are in English; a reader of another language gets its European order of day and month.
    var locale = "en-GB", TOAST_MS = 8000;
    var fixedZone = document.body.dataset.zone; // set where one zone holds for everybody

    function showLocalTimes(root) {
        root.querySelectorAll("time[datetime]:not([data-local])").forEach(function (element) {
            var moment = new Date(element.getAttribute("datetime"));
            if (Number.isNaN(moment.getTime())) { return; }
            element.dataset.local = "";
            if (element.dataset.style === "day") { return; } // a date of a contract is one in UTC
            var options = { day: "numeric", month: "short", year: "numeric", timeZone: fixedZone };
            if (element.dataset.style !== "date") {
                Object.assign(options, { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
                if (element.dataset.style === "precise") { options.second = "2-digit"; }
            }
            element.textContent = new Intl.DateTimeFormat(locale, options).format(moment);
            nameZone();
        });
    }

    function nameZone() {
        var place = document.getElementById("zone");
        if (!place || !place.hidden) { return; }
        var parts = new Intl.DateTimeFormat(locale, { timeZoneName: "longGeneric", timeZone: fixedZone }).formatToParts();
        var zone = parts.find(function (part) { return part.type === "timeZoneName"; }).value;
        place.textContent = "Times are in " + (fixedZone || (/^GMT([+-]00:00)?$/.test(zone) ? "UTC" : zone));
        place.hidden = false;
    }

    // A button beside its value (data-copy-text) or beside an element that holds it (data-copy).
    function valueOf(button) {
        if (button.dataset.copyText !== undefined) { return button.dataset.copyText; }
        var source = document.getElementById(button.dataset.copy);
        return source.value || source.textContent.trim();
    }

    function showCopied(button) {
        var words = button.textContent, hasIcons = button.classList.contains("copy");
        button.classList.add("is-done");
        if (!hasIcons) { button.textContent = "Copied"; }
        announce("Copied to clipboard");
        window.setTimeout(function () {
            button.classList.remove("is-done");
            if (!hasIcons) { button.textContent = words; }
        }, 2000);
    }

    function offerCopies(root) {
        root.querySelectorAll("[data-copy]:not([data-ready]), [data-copy-text]:not([data-ready])").forEach(function (button) {
            button.dataset.ready = "";
            button.hidden = false;
            button.addEventListener("click", function () {
                navigator.clipboard.writeText(valueOf(button)).then(function () { showCopied(button); }, function () {
                    announce("Copying is blocked by your browser. Select the text and copy it manually.");
                });
            });
        });
    }

    // Every block of code gets a button; the element itself moves into the block, so that nothing is shown twice.
    function offerCopiesOfCode(root) {
        var template = document.getElementById("copy-button");
        root.querySelectorAll("main pre:not([data-ready])").forEach(function (code) {
            code.dataset.ready = "";
            if (code.scrollWidth > code.clientWidth) { code.tabIndex = 0; } // so that arrow keys can move what is cut off
            var hasButton = code.id && document.querySelector("[data-copy='" + code.id + "']");
            if (!template || hasButton || code.closest("td, .code-block")) { return; }
            var block = document.createElement("div");
            var button = template.content.firstElementChild.cloneNode(true);
            block.className = "code-block";
            button.dataset.copyText = code.textContent.trim();
            code.replaceWith(block);
            block.append(code, button);
        });
    }

    function announce(words) {
        var place = document.getElementById("announcements");
        if (place) { place.textContent = words; }
    }

    // What cannot be taken back is asked about first: the button stands again in a dialog, beside its consequence.
    var asked = null;

    function askFirst(form, submitter) {
        var dialog = document.getElementById("confirmation");
        var yes = dialog.querySelector("[value=yes]"), isGrave = submitter && /danger/.test(submitter.className);
        yes.textContent = submitter ? submitter.textContent.trim() : "Continue";
        yes.className = isGrave ? "btn btn-danger" : "btn btn-primary";
        document.getElementById("confirmation-title").textContent = form.dataset.confirmTitle || yes.textContent + "?";
        document.getElementById("confirmation-words").textContent = form.dataset.confirm;
        dialog.returnValue = "";
        asked = { form: form, submitter: submitter };
        dialog.showModal();
    }

    // The news of a closing comes late: by then the dialog may be open again, for another question.
    document.addEventListener("close", function (event) {
        var dialog = event.target, answered = asked;
        if (dialog.id !== "confirmation" || dialog.open || !answered) { return; }
        asked = null;
        if (dialog.returnValue !== "yes") { return; }
        answered.form.dataset.confirmed = "";
        answered.form.requestSubmit(answered.submitter);
    }, true);

    // A second click on a button that is at work does nothing; the server would not do it twice either.
    document.addEventListener("submit", function (event) {
        var form = event.target;
        if (form.method === "dialog") { return; }
        if (form.dataset.confirm && form.dataset.confirmed === undefined) {
            event.preventDefault();
            askFirst(form, event.submitter);
            return;
        }
        if (form.dataset.busy !== undefined && !form.hasAttribute("hx-post")) { event.preventDefault(); return; }
        form.dataset.busy = "";
        window.setTimeout(function () { delete form.dataset.busy; }, 4000);
    });
    window.addEventListener("pageshow", function (event) {
        if (event.persisted && document.querySelector("[data-shown-once]")) { window.location.reload(); }
    });

    function submitOnChange(root) {
        root.querySelectorAll("select[data-submits]:not([data-ready])").forEach(function (select) {
            select.dataset.ready = "";
            select.addEventListener("change", function () { select.form.requestSubmit(); });
        });
    }

    // News stays long enough to be read, and as long as somebody points at it or tabs into it.
    function letToastsGo(root) {
        root.querySelectorAll(".toasts .toast:not([data-ready])").forEach(function (toast) {
            toast.dataset.ready = "";
            toast.querySelector("[data-dismiss]").addEventListener("click", function () { toast.remove(); });
            var timer = window.setInterval(function () {
                if (toast.matches(":hover, :focus-within")) { return; }
                window.clearInterval(timer);
                toast.classList.add("is-leaving");
                window.setTimeout(function () { toast.remove(); }, 400);
            }, TOAST_MS);
        });
    }

    // On a phone each row becomes a card, whose values say for themselves what stood above their column.
    function labelCells(root) {
        root.querySelectorAll("table.list:not(.as-table)").forEach(function (table) {
            var heads = Array.from(table.querySelectorAll("thead th"), function (head) { return head.textContent.trim(); });
            if (!heads.length) { return; }
            table.classList.add("cards");
            table.querySelectorAll("tbody tr").forEach(function (row) {
                Array.from(row.cells).forEach(function (cell, index) {
                    if (index && heads[index] && cell.dataset.label === undefined) { cell.dataset.label = heads[index]; }
                });
            });
        });
    }

    function prepare(root) {
        labelCells(root);
        showLocalTimes(root);
        if (fixedZone) { nameZone(); }
        offerCopiesOfCode(root);
        offerCopies(root);
        letToastsGo(root);
        submitOnChange(root);
        var answer = root.querySelector(".error-summary:not([data-ready]), [data-lands]:not([data-ready])");
        if (answer) { answer.dataset.ready = ""; answer.focus(); }
    }

    function closeMenus(except) {
        document.querySelectorAll(".dropdown-native[open]").forEach(function (menu) {
            if (menu !== except) { menu.open = false; }
        });
    }

    document.addEventListener("click", function (event) { closeMenus(event.target.closest(".dropdown-native")); });
    document.addEventListener("keydown", function (event) {
        var menu = document.querySelector(".dropdown-native[open]");
        if (event.key === "Escape" && menu) { menu.open = false; menu.querySelector("summary").focus(); }
        var isTyping = event.target.closest("input, textarea, select, [contenteditable]");
        if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
            var search = document.querySelector("[data-search]");
            if (search) { event.preventDefault(); search.focus(); }
        }
    });
    document.addEventListener("DOMContentLoaded", function () { prepare(document); });

    // A page that renews itself leaves the times that it shows already, so nothing flickers.
    document.addEventListener("htmx:before:morph:node", function (event) {
        var old = event.detail.oldNode, renewed = event.detail.newNode;
        if (old.nodeName === "TIME" && old.dateTime === renewed.dateTime && old.dataset.local !== undefined) { event.preventDefault(); }
    });
    document.addEventListener("htmx:after:swap", function (event) {
        prepare(document);
        var refusal = document.querySelector("#messages > .notice");
        if (refusal && event.target.closest("form")) { refusal.scrollIntoView({ block: "center" }); }
    });
}());
