// What plain forms cannot do: read the secret of a link from where browsers send it to nobody, and
// ask a device for a passkey.
"use strict";

for (const form of document.querySelectorAll("form[data-fragment]")) {
  const secret = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  if (secret) {
    form.elements.token.value = secret;
    form.hidden = false;
    form.querySelector("button").focus();
  } else {
    location.replace("/me/sign-in");
  }
}

// A passkey: ours to ask for, the browser's to get from the device, and a plain form's to send.
const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

async function askedOfDevice(asked) {
  const known = (some) => (some || []).map((one) => ({ ...one, id: toBytes(one.id) }));
  asked.challenge = toBytes(asked.challenge);
  if (asked.user) {
    asked.user.id = toBytes(asked.user.id);
    asked.excludeCredentials = known(asked.excludeCredentials);
    return navigator.credentials.create({ publicKey: asked });
  }
  asked.allowCredentials = known(asked.allowCredentials);
  return navigator.credentials.get({ publicKey: asked });
}

async function answerByPasskey(form) {
  const fields = form.elements;
  const answer = await fetch(form.dataset.passkey, {
    method: "POST",
    headers: { accept: "application/json", "x-csrf-token": fields.csrf.value },
  });
  if (answer.status === 401 || answer.status === 403) return location.reload();
  if (!answer.ok) throw new Error("not now");
  const { rawId, response } = await askedOfDevice(await answer.json());
  fields.credential.value = toText(rawId);
  fields.client_data.value = toText(response.clientDataJSON);
  fields.proof.value = toText(response.attestationObject || response.authenticatorData);
  if (response.signature) fields.signature.value = toText(response.signature);
  if (response.userHandle) fields.handle.value = toText(response.userHandle);
  form.submit();
}

if (window.PublicKeyCredential) {
  for (const hint of document.querySelectorAll("[data-unless-passkeys]")) hint.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const trouble = form.querySelector("[data-trouble]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      trouble.textContent = "";
      try {
        await answerByPasskey(form);
      } catch {
        trouble.textContent = trouble.dataset.trouble;
      }
    });
  }
}

// A form that was sent is not sent twice by a second tap.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", () => {
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = false)), 4000);
  });
}

// Menus close when something else is asked for.
for (const menu of document.querySelectorAll("details.who")) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}
