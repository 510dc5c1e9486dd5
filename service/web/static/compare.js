// Shows the signed marks to whoever holds the view secret.  The secret stands in the address's fragment, which a
// browser never sends by itself; it is sent only when the reader presses the button.
"use strict";
(function () {
  const panel = document.getElementById("compare");
  if (!panel) return;
  const texts = panel.dataset;
  const button = panel.querySelector("button");
  const answer = panel.querySelector("[data-answer]");

  function readSecret() {
    return location.hash.slice(1);
  }

  function offer() {
    const secret = readSecret();
    panel.querySelector("[data-missing]").hidden = secret !== "";
    panel.querySelector("[data-ready]").hidden = secret === "";
    answer.replaceChildren();
  }

  function add(parent, name, text, className) {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    parent.append(element);
    return element;
  }

  function addFacts(parent, facts) {
    const list = add(parent, "dl");
    for (const [label, value] of facts) {
      add(list, "dt", label);
      add(list, "dd", value);
    }
  }

  function addTable(parent, table) {
    const element = add(add(parent, "div", undefined, "table"), "table");
    const head = add(add(element, "thead"), "tr");
    table.columns.forEach((column, index) => {
      const cell = add(head, "th", column, index === 0 ? "" : "num");
      cell.scope = "col";
    });
    const body = add(element, "tbody");
    for (const row of table.rows) {
      const line = add(body, "tr");
      row.forEach((value, index) => {
        const cell = add(line, index === 0 ? "th" : "td", value, index === 0 ? "" : "num");
        if (index === 0) cell.scope = "row";
      });
    }
  }

  function show(content) {
    answer.replaceChildren();
    add(answer, "h2", texts.title);
    add(answer, "p", texts.instruction, "notice strong");
    addFacts(answer, content.facts);
    for (const table of content.tables) addTable(answer, table);
    add(answer, "h3", texts.results);
    addFacts(answer, content.results);
    add(answer, "p", texts.printed, "small");
    answer.dataset.answer = "shown";
    answer.focus();
  }

  function refuse(text) {
    answer.replaceChildren();
    add(answer, "p", text, "notice strong");
    answer.dataset.answer = "refused";
    answer.focus();
  }

  async function compare() {
    button.disabled = true;
    try {
      const response = await fetch(texts.address, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ secret: readSecret(), language: document.documentElement.lang }),
      });
      if (response.ok) show(await response.json());
      else if (response.status === 429) refuse(texts.limited);
      else if (response.status === 403 || response.status === 422) refuse(texts.refused);
      else refuse(texts.failed);
    } catch {
      refuse(texts.failed);
    }
    button.disabled = false;
  }

  panel.querySelector("[data-no-script]").remove();
  offer();
  window.addEventListener("hashchange", offer);
  button.addEventListener("click", compare);
})();
