// What the page does beyond its forms: resets, undo, the link, marks on what moved, the conversation.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const UNANSWERED = "The server gave no answer that can be read; is it still up?";
  const post = async (path, body) => {
    try {
      const response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body });
      const told = await response.json();
      return response.ok || told.error ? told : { error: UNANSWERED };
    } catch { return { error: UNANSWERED }; }
  };
  const fields = byId("fields"), answer = byId("answer"), undo = byId("undo");
  const SHOWN_MS = 2000;

  // --- figures that moved are marked for two seconds, with the old value ---
  const figures = () => {
    const found = new Map();
    for (const cell of answer.querySelectorAll("td, dd, .answer p")) {
      const row = cell.closest("tr, div"), part = cell.closest("details, .answer");
      const label = row && row.querySelector("th, dt");
      const key = [part && part.id, label && label.textContent, row ? [...row.children].indexOf(cell) : cell.className].join("|");
      found.set(key, cell);
    }
    return found;
  };
  let before = new Map(), open = new Set(), closed = new Set();
  const remember = () => {
    before = new Map([...figures()].map(([key, cell]) => [key, cell.textContent]));
    open = new Set([...answer.querySelectorAll("details[open]")].map((one) => one.id));
    closed = new Set([...answer.querySelectorAll("details:not([open])")].map((one) => one.id));
  };
  const mark = () => {
    for (const one of answer.querySelectorAll("details[id]")) {
      if (open.has(one.id)) one.open = true;
      if (closed.has(one.id)) one.open = false;
    }
    for (const [key, cell] of figures()) {
      const was = before.get(key);
      if (was === undefined || was === cell.textContent) continue;
      cell.classList.add("moved");
      cell.title = `was ${was}`;
      setTimeout(() => cell.classList.remove("moved"), SHOWN_MS);
    }
    document.title = `${(answer.querySelector("p.strong") || { textContent: "" }).textContent.split(":")[0]} – fleetcast`;
    simulate();
  };
  document.addEventListener("htmx:beforeSwap", (event) => event.detail.target === answer && remember());
  document.addEventListener("htmx:afterSwap", (event) => event.detail.target === answer && mark());

  // --- a plan by the formulas is simulated once nothing changes any more ---
  const PATIENCE_MS = 500;
  let simulating = 0;
  const simulate = () => {
    clearTimeout(simulating);
    const unverified = byId("unverified"), said = byId("said");
    if (!fields || !unverified) return;
    if (said) said.remove();  // nothing of the sentence is open any more: from here on the fields are the question
    const query = unverified.dataset.query;
    simulating = setTimeout(async () => {
      const response = await fetch(`/answer?${query}&verified=1`).catch(() => null);
      const text = response && response.ok ? await response.text() : "";
      const now = byId("unverified");
      if (!text || !now || now.dataset.query !== query) return;  // something newer was asked meanwhile
      remember();
      // What somebody opened meanwhile is of the same question, and stays.
      const opened = ["front", "figures"].map(byId).filter((one) => one && one.open);
      const derivations = [...answer.querySelectorAll("a.why[aria-expanded=true]")].filter((link) => !opened.includes(partOf(link)));
      const shown = new Set(derivations.map(placeOf));
      const focused = answer.contains(document.activeElement) && nameOf(document.activeElement);
      answer.innerHTML = text;
      for (const one of opened) if (byId(one.id)) byId(one.id).replaceWith(one);
      htmx.process(answer);
      mark();
      for (const link of answer.querySelectorAll("a.why")) if (shown.delete(placeOf(link))) derive(link);
      const again = [...answer.querySelectorAll("a, button, summary")].find((one) => nameOf(one) === focused);
      if (again) again.focus({ preventScroll: true });
    }, PATIENCE_MS);
  };

  // --- the form ---
  let state = "", question = 0;
  const anew = () => {  // what is asked next is about the plan that the form now states
    question += 1;
    if (state) tell("The question has changed: what you say next begins with the plan above; earlier plans of the conversation are left.", "quiet");
    state = "";
  };
  const past = [];
  const inputs = () => fields.querySelectorAll("input[type=text]");
  const values = () => JSON.stringify([...inputs()].map((input) => input.value));
  let now = fields ? values() : "";
  const changed = ({ talked = false } = {}) => {
    const next = values();
    if (next !== now) {
      if (!talked) anew();
      // Who goes back by hand, or says 'undo', has taken the last change back: it is no further one.
      if (past.at(-1) === next) past.pop();
      else past.push(now);
      now = next;
      undo.hidden = !past.length;
    }
    for (const input of inputs()) input.parentElement.classList.toggle("set", input.value !== "");
  };
  if (fields) {
    byId("before").form.addEventListener("submit", () => { byId("before").value = new URLSearchParams(asked()); });
    // What is copied is the whole question: neither a sentence that is read otherwise one day, nor what is proposed today.
    if (byId("unverified")) history.replaceState(null, "", `/?${byId("unverified").dataset.query}`);
    simulate();
    fields.addEventListener("input", () => clearTimeout(simulating));
    fields.addEventListener("change", changed);
    fields.addEventListener("click", (event) => {
      const input = event.target.dataset && event.target.dataset.reset && byId(event.target.dataset.reset);
      if (!input) return;
      input.value = "";
      for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
      input.focus();
    });
    undo.addEventListener("click", () => {
      if (!past.length) return;
      now = past.pop();
      JSON.parse(now).forEach((value, place) => { inputs()[place].value = value; });
      undo.hidden = !past.length;
      anew();
      for (const input of inputs()) input.parentElement.classList.toggle("set", input.value !== "");
      htmx.trigger(fields, "submit");
    });
  }
  // --- what mends a warning, and what a file says, are changes of fields like any other: undo takes them back ---
  const put = (changes, how) => {
    for (const [name, value] of Object.entries(changes)) {
      const input = byId(`f-${name}`);
      if (!input) continue;
      input.value = value;
      const folded = input.closest("details");
      if (folded && value) folded.open = true;
    }
    changed(how);
    htmx.trigger(fields, "submit");
  };
  if (fields) answer.addEventListener("click", (event) => {
    const link = event.target.closest("a.apply");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    put(JSON.parse(link.dataset.apply));
    undo.focus();
  });
  const take = async (file) => {
    const notes = byId("notes"), measured = byId("measured");
    const say = (lines) => notes.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
    measured.replaceChildren();
    const most = Number(byId("file").dataset.mostBytes);
    const text = file.size > most ? "" : await file.text().catch(() => null);
    if (text === null) { say([`${file.name} cannot be read.`]); return; }
    const body = new Blob([JSON.stringify({ name: file.name, text, flags: asked() })]);
    if (Math.max(file.size, body.size) > most) { say([`${file.name} is larger than what is read here (${most.toLocaleString("en")} bytes as it is sent).`]); return; }
    const told = await post("/import", body);
    say(told.error ? [told.error] : told.notes);
    if (told.error) return;
    measured.innerHTML = told.html;
    put(told.flags);
  };
  if (fields) {
    byId("file").addEventListener("change", (event) => event.target.files[0] && take(event.target.files[0]));
    // Text that is dragged goes where it always does; only files are taken.
    for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      if (kind === "drop" && event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
    });
  }
  // --- a derivation opens where it was asked for, and closes there ---
  const derived = new WeakMap();
  const partOf = (link) => link.closest("details[id], .answer");
  const placeOf = (link) => `${partOf(link).id} ${new URL(link.href).searchParams.get("path")}`;
  const nameOf = (one) => one.matches("a.why") ? placeOf(one) : one.textContent.trim();
  const derive = async (link) => {
    const there = derived.get(link);
    link.setAttribute("aria-expanded", String(!there));
    if (there) { there.remove(); derived.delete(link); return; }
    const row = link.closest("tr"), fact = link.closest("dd");
    const shown = document.createElement(row ? "tr" : "div");
    const room = row ? shown.appendChild(document.createElement("td")) : shown;
    shown.className = "derived";
    room.textContent = "…";
    derived.set(link, shown);
    if (row) { room.colSpan = row.children.length; row.after(shown); }
    else if (fact) fact.append(shown);
    else link.closest("figure, p").after(shown);
    const text = await fetch(link.href).then((response) => response.text()).catch(() => "");
    const part = new DOMParser().parseFromString(text, "text/html").getElementById("explanation");
    room.replaceChildren(...(part ? part.childNodes : [UNANSWERED]));
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.why");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    derive(link);
  });
  document.addEventListener("click", async (event) => {
    if (event.target.id !== "share") return;
    try { await navigator.clipboard.writeText(location.href); event.target.textContent = "Copied"; }
    catch { event.target.textContent = "The link is in the address bar"; }
  });

  // --- the conversation: its state is kept here, signed by the server; one line is said after the other ---
  const talk = byId("talk"), talked = byId("talked");
  const asked = () => Object.fromEntries([...inputs()].filter((one) => one.value).map((one) => [one.name, one.value]));
  const tell = (text, kind) => talked.appendChild(Object.assign(document.createElement("p"), { textContent: text, className: kind }));
  const say = async (line, place) => {
    const about = question;
    const told = await post("/api/talk", JSON.stringify({ line, state, flags: asked() }));
    const part = document.createElement("div");
    if (told.error) part.textContent = told.error;
    else part.innerHTML = told.html;
    place.after(part);
    part.scrollIntoView({ block: "nearest" });
    if (told.error || about !== question) return;  // the form states another question meanwhile
    state = told.state;
    if (told.flags) put(told.flags, { talked: true });
  };
  let saying = Promise.resolve();
  if (talk) talk.addEventListener("submit", (event) => {
    event.preventDefault();
    const line = byId("line").value, place = tell(line, "line");
    byId("line").value = "";
    saying = saying.then(() => say(line, place));
  });
})();
