// What plain forms cannot do: read the secret of a link from where browsers send it to nobody.
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
