// Sets the theme before the first paint: the reader's choice, or else what the system prefers.
(function () {
    "use strict";
    var chosen = document.documentElement.dataset.theme;
    var system = window.matchMedia("(prefers-color-scheme: dark)");
    function apply() {
        var isDark = chosen === "dark" || (chosen !== "light" && system.matches);
        document.documentElement.setAttribute("data-bs-theme", isDark ? "dark" : "light");
    }
    apply();
    system.addEventListener("change", apply);
}());
