// Ctrl K opens the search over any page; arrows and Enter choose. The same search is a page for who has no scripts.
(function () {
    "use strict";

    var palette = document.getElementById("palette");
    var field = document.getElementById("palette-text");

    function open() {
        if (palette.open) { return; }
        palette.showModal();
        field.select();
        htmx.trigger(field, "palette-opened");
    }

    function links() { return Array.from(palette.querySelectorAll(".found a")); }

    function chosen() { return palette.querySelector(".found a.is-chosen"); }

    function choose(link) {
        links().forEach(function (one) { one.classList.toggle("is-chosen", one === link); });
        if (link) { link.scrollIntoView({ block: "nearest" }); }
    }

    function step(by) {
        var all = links(), at = all.indexOf(chosen());
        if (all.length) { choose(all[(at + by + all.length) % all.length]); }
    }

    document.addEventListener("keydown", function (event) {
        if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
    });
    document.addEventListener("click", function (event) {
        if (event.target.closest("[data-palette]")) { event.preventDefault(); open(); }
        if (event.target === palette) { palette.close(); }
    });
    field.addEventListener("keydown", function (event) {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            step(event.key === "ArrowDown" ? 1 : -1);
        }
        if (event.key === "Enter" && chosen()) { event.preventDefault(); chosen().click(); }
    });
    document.addEventListener("htmx:after:swap", function () { if (palette.open) { choose(links()[0]); } });
}());
