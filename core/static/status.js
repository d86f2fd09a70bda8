// On the static copy of the status page: it says so when nothing has been measured for a while, since the file cannot.
(function () {
    "use strict";

    var notice = document.getElementById("not-measured"), verdict = document.getElementById("verdict");
    var LOOK_EVERY_MS = 30000;
    if (!notice) { return; }

    function look() {
        var age = Date.now() - new Date(notice.dataset.measuredAt).getTime();
        var isOld = !(age < Number(notice.dataset.staleAfterS) * 1000);
        notice.hidden = !isOld;
        if (verdict) { verdict.hidden = isOld; }
    }

    look();
    window.setInterval(look, LOOK_EVERY_MS);
}());
