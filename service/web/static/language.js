// Keeps the address's fragment (the view secret) when the reader changes the language.
"use strict";
(function () {
  const link = document.getElementById("other-language");
  if (!link) return;
  function keepFragment() {
    link.hash = location.hash;
  }
  keepFragment();
  window.addEventListener("hashchange", keepFragment);
})();
