// Passkeys: asks the server for a challenge, the browser for an answer, and sends it with the form.
(function () {
    "use strict";
    if (!window.PublicKeyCredential || !window.PublicKeyCredential.parseCreationOptionsFromJSON) { return; }

    function ask(form) {
        var data = new FormData();
        form.querySelectorAll("input[name=csrf_token], input[name=_organization]").forEach(function (input) {
            data.append(input.name, input.value);
        });
        return fetch(form.dataset.options, { method: "POST", body: data, credentials: "same-origin" }).then(function (answer) {
            if (!answer.ok || answer.redirected) { window.location.reload(); throw new Error("refused"); }
            return answer.json();
        });
    }

    function make(form, options) {
        return form.dataset.passkey === "create"
            ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
            : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    }

    document.querySelectorAll("form[data-passkey]").forEach(function (form) {
        form.hidden = false;
        form.addEventListener("submit", function (event) {
            if (form.elements.credential.value) { return; }
            event.preventDefault();
            event.stopPropagation();
            ask(form).then(function (options) { return make(form, options); }).then(function (credential) {
                form.elements.credential.value = JSON.stringify(credential.toJSON());
                form.submit();
            }).catch(function () {
                form.querySelector("[data-passkey-error]").textContent = "The passkey request was canceled. Try again, or continue without a passkey.";
            });
        });
    });
}());
