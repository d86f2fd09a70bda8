// The log's moments in the reader's own zone. The address has them in UTC, as without this script.
(function () {
    "use strict";

    function twoDigits(number) { return String(number).padStart(2, "0"); }

    function asLocalField(moment) {
        var day = [moment.getFullYear(), twoDigits(moment.getMonth() + 1), twoDigits(moment.getDate())].join("-");
        return day + "T" + twoDigits(moment.getHours()) + ":" + twoDigits(moment.getMinutes());
    }

    // What is sent moves into a hidden field; what is seen has no name any more.
    function useLocalTime(field) {
        var sent = document.createElement("input"), label = document.querySelector("label[for='" + field.id + "']");
        sent.type = "hidden";
        sent.name = field.name;
        sent.value = field.value;
        field.removeAttribute("name");
        field.removeAttribute("data-utc");
        field.after(sent);
        label.textContent = label.textContent.replace(" (UTC)", "");
        if (field.value) { field.value = asLocalField(new Date(field.value + "Z")); }
        field.addEventListener("change", function () {
            sent.value = field.value ? new Date(field.value).toISOString().slice(0, 16) : "";
        });
    }

    function prepare() { document.querySelectorAll("input[data-utc]").forEach(useLocalTime); }

    document.addEventListener("DOMContentLoaded", prepare);
    document.addEventListener("htmx:after:swap", prepare);
}());
