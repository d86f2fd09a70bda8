// Draws the charts from the tables beside them, in the reader's theme.
(function () {
    "use strict";

    function token(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

    function read(table) {
        var rows = Array.from(table.querySelectorAll("tr[data-at]"));
        var times = rows.map(function (row) { return Number(row.dataset.at); });
        var blocked = rows.map(function (row) { return Number(row.dataset.blocked); });
        var all = rows.map(function (row, index) { return Number(row.dataset.allowed) + blocked[index]; });
        return [times, all, blocked];
    }

    function draw(place) {
        var table = document.getElementById(place.dataset.chart);
        if (!table || place.dataset.drawn !== undefined) { return; }
        place.dataset.drawn = "";
        var bars = uPlot.paths.bars({ size: [0.75, 60], radius: 0.15 });
        var axis = { stroke: token("--quiet"), grid: { stroke: token("--line"), width: 1 }, ticks: { show: false } };
        var chart = new uPlot({
            width: place.clientWidth, height: 210,
            scales: { y: { range: function (_plot, _low, high) { return [0, Math.max(1, high * 1.1)]; } } },
            axes: [axis, Object.assign({ incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7] }, axis)],
            cursor: { y: false },
            series: [
                {},
                { label: "All", fill: token("--accent"), stroke: token("--accent"), width: 0, paths: bars, points: { show: false } },
                { label: "of these blocked", fill: token("--bad"), stroke: token("--bad"), width: 0, paths: bars, points: { show: false } }
            ]
        }, read(table), place);
        new ResizeObserver(function () { chart.setSize({ width: place.clientWidth, height: 210 }); }).observe(place);
    }

    function drawAll() { document.querySelectorAll("[data-chart]").forEach(draw); }

    document.addEventListener("DOMContentLoaded", drawAll);
    document.addEventListener("htmx:after:swap", drawAll);
}());
