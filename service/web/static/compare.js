// Shows the signed marks to whoever holds the view secret.  The secret stands in the address's fragment, which a
// browser never sends by itself; it is sent only when the reader presses the button.
"use strict";
(function () {
  const panel = document.getElementById("compare");
  if (!panel) return;
  const secret = location.hash.slice(1);
  const texts = panel.dataset;
  const button = panel.querySelector("button");
  const answer = panel.querySelector("[data-answer]");
  panel.querySelector("[data-missing]").hidden = secret !== "";
  panel.querySelector("[data-ready]").hidden = secret === "";
  if (secret === "") return;

  function add(parent, name, text, className) {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    parent.append(element);
    return element;
  }

  function show(content) {
    answer.replaceChildren();
    add(answer, "h2", texts.title);
    add(answer, "p", texts.instruction, "notice");
    const facts = add(answer, "dl");
    for (const [label, value] of content.facts) {
      add(facts, "dt", label);
      add(facts, "dd", value);
    }
    for (const table of content.tables) {
      const element = add(add(answer, "div", undefined, "table"), "table");
      const head = add(add(element, "thead"), "tr");
      table.columns.forEach((column, index) => {
        const cell = add(head, "th", column, index === 0 ? "" : "num");
        cell.scope = "col";
      });
      const body = add(element, "tbody");
      for (const row of table.rows) {
        const line = add(body, "tr");
        row.forEach((value, index) => add(line, "td", value, index === 0 ? "" : "num"));
      }
    }
    answer.focus();
  }

  function refuse(text) {
    answer.replaceChildren();
    add(answer, "p", text, "notice");
    answer.focus();
  }

  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const response = await fetch(texts.address, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ secret: secret, language: document.documentElement.lang }),
      });
      if (response.ok) show(await response.json());
      else if (response.status === 429) refuse(texts.limited);
      else if (response.status === 403) refuse(texts.refused);
      else refuse(texts.failed);
    } catch {
      refuse(texts.failed);
    }
    button.disabled = false;
  });
})();
