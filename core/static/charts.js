// Draws the charts from the tables beside them, in the reader's theme.
(function () {
    "use strict";

    var HEIGHT = 210, DAY_S = 86400;
    var locale = "en-GB";
    var asDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
    var asHour = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
    var asMoment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

    // A canvas wants the colour itself, not the pair for light and dark that the token is.
    function token(place, name) {
        place.style.color = "var(" + name + ")";
        var colour = getComputedStyle(place).color;
        place.style.color = "";
        return colour;
    }

    // Blocked stands on top of allowed: the bar of all is drawn in its colour, and that of the allowed over it.
    function read(table) {
        var rows = Array.from(table.querySelectorAll("tr[data-at]"));
        var times = rows.map(function (row) { return Number(row.dataset.at); });
        var blocked = rows.map(function (row) { return Number(row.dataset.blocked); });
        var all = rows.map(function (row, index) { return Number(row.dataset.allowed) + blocked[index]; });
        return [times, all, all.map(function (sum, index) { return sum - blocked[index]; })];
    }

    // Days at midnight and for long stretches, hours between.
    function ticks(_plot, splits, _axis, _space, step_s) {
        return splits.map(function (at) {
            var moment = new Date(at * 1000);
            return step_s >= DAY_S || moment.getHours() + moment.getMinutes() === 0 ? asDay.format(moment) : asHour.format(moment);
        });
    }

    // Half a slot of room at both ends, so that the first and the last bar are whole.
    function room(plot, low, high) {
        var times = plot.data[0], half = times.length > 1 ? (times[1] - times[0]) / 2 : DAY_S / 2;
        return [low - half, high + half];
    }

    function bars(label, colour, value) {
        var paths = uPlot.paths.bars({ size: [0.72, 48] });
        return { label: label, fill: colour, stroke: colour, width: 0, paths: paths, points: { show: false }, value: value };
    }

    function shown(value) { return value == null ? "" : new Intl.NumberFormat(locale).format(value); }

    function blockedAt(plot, sum, _series, index) { return index == null ? "" : shown(sum - plot.data[2][index]); }

    function allowedAt(_plot, value) { return shown(value); }

    function draw(place, data) {
        var axis = { font: "12px " + getComputedStyle(document.body).fontFamily, stroke: token(place, "--quiet"), grid: { stroke: token(place, "--line"), width: 1 }, ticks: { show: false } };
        var whole = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7];
        var chart = new uPlot({
            width: place.clientWidth, height: HEIGHT,
            scales: { x: { range: room }, y: { range: function (_plot, _low, high) { return [0, Math.max(1, high * 1.1)]; } } },
            axes: [Object.assign({ values: ticks, space: 70 }, axis), Object.assign({ incrs: whole }, axis)],
            cursor: { y: false, drag: { x: false } },
            hooks: { setLegend: [function (plot) { plot.root.classList.toggle("is-idle", plot.legend.idx == null); }] },
            series: [
                { label: "Time", value: function (_plot, at) { return at == null ? "" : asMoment.format(new Date(at * 1000)); } },
                bars("Blocked", token(place, "--chart-blocked"), blockedAt),
                bars("Allowed", token(place, "--chart-allowed"), allowedAt)
            ]
        }, data, place);
        chart.root.classList.add("is-idle");
        return chart;
    }

    // A place that is drawn already gets the new figures; its picture stays.
    function show(place) {
        var table = document.getElementById(place.dataset.chart);
        if (!table) { return; }
        if (place.chart) { place.chart.setData(read(table)); return; }
        place.chart = draw(place, read(table));
        new ResizeObserver(function () { place.chart.setSize({ width: place.clientWidth, height: HEIGHT }); }).observe(place);
    }

    function showAll() { document.querySelectorAll("[data-chart]").forEach(show); }

    function redrawAll() {
        document.querySelectorAll("[data-chart]").forEach(function (place) {
            if (!place.chart) { return; }
            var data = place.chart.data;
            place.chart.destroy();
            place.chart = draw(place, data);
        });
    }

    document.addEventListener("DOMContentLoaded", showAll);
    document.addEventListener("htmx:after:swap", showAll);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () { window.setTimeout(redrawAll); });
}());
