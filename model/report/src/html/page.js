"use strict";
// Reads the data of the page and draws it. Everything that a scenario says becomes text of an element: there is no
// markup made of strings anywhere.

const data = JSON.parse(document.getElementById("data").textContent);
const root = document.getElementById("page");
const SVG = "http://www.w3.org/2000/svg";
// On the page of `explore` the steps are chosen by hand: explore.js.
const byHand = typeof explorer === "undefined" ? null : explorer;

// ---- Making elements ------------------------------------------------------------------------------------------------

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, to] of Object.entries(value)) made.style.setProperty(key, to);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(2).filter((c) => c !== null && c !== undefined && c !== false));
  return made;
}

const make = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** A colour for each thread, far from its neighbours', readable on light and on dark. */
const colour = (t) => `hsl(${(t * 137 + 215) % 360} 62% 52%)`;

const isBlank = (value) => ["none", "0", "no", "NULL", "free", "empty", "gone"].includes(value);

// ---- What the page is at ------------------------------------------------------------------------------------------

const at = { case: 0, execution: 0, step: -1, compare: false, file: null };

const currentCase = () => data.cases[at.case];
const currentExecution = () => currentCase()?.executions[at.execution];

/** The state after a step: what is told of whom, who waits, who holds. The last one asked for is kept. */
const kept = { execution: null, step: -2, facts: null, waits: [], holds: [] };

function apply(seen) {
  for (const [subject, name, value] of seen.facts) {
    const key = `${subject} ${name}`;
    if (value === null) kept.facts.delete(key);
    else kept.facts.set(key, value);
  }
  kept.waits = seen.waits ?? kept.waits;
  kept.holds = seen.holds ?? kept.holds;
}

function stateAt(execution, step) {
  if (kept.execution !== execution || kept.step > step) {
    Object.assign(kept, { execution, step: -1, facts: new Map(), waits: [], holds: [] });
    apply(execution.start);
  }
  while (kept.step < step) apply(execution.steps[++kept.step]);
  return kept;
}

/** What the step has changed, with what it was before. */
function changesOf(execution, step) {
  const changed = new Map();
  if (step < 0) return changed;
  const before = stateAt(execution, step - 1).facts;
  for (const [subject, name] of execution.steps[step].facts) {
    const key = `${subject} ${name}`;
    changed.set(key, before.get(key));
  }
  return changed;
}

/** The subjects that change at some time of an execution. */
function everChanged(execution) {
  execution.moved ??= new Set(execution.steps.flatMap((step) => step.facts.map(([subject]) => subject)));
  return execution.moved;
}

// ---- Going somewhere ----------------------------------------------------------------------------------------------

function show(change) {
  const was = { ...at };
  Object.assign(at, change);
  if (at.case !== was.case) at.execution = change.execution ?? 0;
  const execution = currentExecution();
  if (at.case !== was.case || at.execution !== was.execution) {
    if (change.step === undefined) at.step = execution ? firstLook(execution) : -1;
    at.compare &&= execution?.passing !== undefined;
  }
  if (execution) at.step = Math.max(-1, Math.min(at.step, execution.steps.length - 1));
  if (at.case !== was.case || at.execution !== was.execution || at.compare !== was.compare) drawCase();
  else drawStep();
  remember();
}

/** The case that one looks at first: what nobody expects, or what goes wrong. */
function firstCase() {
  const all = data.cases;
  const found = [all.findIndex((one) => one.grade === "not-as-expected"), all.findIndex((one) => one.executions[0]?.broken)];
  return found.find((i) => i >= 0) ?? 0;
}

/** Where one begins to look: at the end of what went wrong. */
const firstLook = (execution) => execution.steps.length - 1;

const go = (by) => show({ step: at.step + by });

/** Writes the place into the address: at once, or when a key that is held down comes to rest, since a browser takes a few a second only. */
function remember() {
  const since = performance.now() - remembered;
  clearTimeout(toRemember);
  if (since < REST) {
    toRemember = setTimeout(remember, REST - since);
    return;
  }
  remembered = performance.now();
  const place = byHand?.place() ?? `#${at.case}.${at.execution}.${at.step + 1}`;
  if (location.hash !== place) history.replaceState(null, "", place);
}

/** So long, in milliseconds, an address stays as it is. */
const REST = 120;
let [remembered, toRemember] = [-Infinity, 0];

/** The place that an address names, as far as there is one. */
function recalled() {
  const [one, execution, step] = location.hash.slice(1).split(".").map((text) => Number.parseInt(text, 10));
  const of = data.cases[one]?.executions[execution];
  if (!of) return false;
  const last = of.steps.length;
  Object.assign(at, { case: one, execution, step: Math.max(-1, Math.min(Number.isNaN(step) ? last : step, last) - 1) });
  return true;
}

const KEYS = [
  [["ArrowDown", "ArrowRight", "j"], "one step on", () => go(1)],
  [["ArrowUp", "ArrowLeft", "k"], "one step back", () => go(-1)],
  [["PageDown"], "ten steps on", () => go(10)],
  [["PageUp"], "ten steps back", () => go(-10)],
  [["Home"], "before the first step", () => show({ step: -1 })],
  [["End"], "the last step", () => show({ step: Infinity })],
  [["p"], "the point of no return", toNoReturn],
  [["c"], "the schedule that passes, beside this one", toggleCompare],
  [["n"], "the next execution", () => otherExecution(1)],
  [["b"], "the execution before", () => otherExecution(-1)],
  [["?"], "this list", openHelp],
  ...(byHand?.keys ?? []),
];

function toNoReturn() {
  const noReturn = currentExecution()?.noReturn;
  if (noReturn !== undefined) show({ step: noReturn });
}

function toggleCompare() {
  if (currentExecution()?.passing !== undefined) show({ compare: !at.compare });
}

function otherExecution(by) {
  const all = currentCase()?.executions.length ?? 0;
  if (all > 0) show({ execution: (at.execution + by + all) % all });
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("select, dialog")) return;
  // A slider moves by itself.
  if (event.target.matches?.("input") && event.key.startsWith("Arrow")) return;
  const row = KEYS.find(([keys]) => keys.includes(event.key));
  if (!row) return;
  event.preventDefault();
  row[2](event);
}

function openHelp() {
  const rows = KEYS.map(([keys, what]) =>
    make("tr", {}, make("td", {}, keys.map((key) => [make("kbd", {}, key), " "])), make("td", {}, what)));
  const help = make("dialog", { "aria-label": "Keys", onclose: () => help.remove() },
    make("h2", {}, "Keys"), make("table", {}, rows),
    make("form", { method: "dialog" }, make("p", {}, make("button", {}, "Close"))));
  document.body.append(help);
  help.showModal();
}

// ---- The head ---------------------------------------------------------------------------------------------------------

const LOOKS = { "as-expected": "good", "not-as-expected": "bad", incomplete: "warn" };
const GRADES = { "as-expected": "as expected", "not-as-expected": "not as expected", incomplete: "incomplete" };

/** A verdict without whether it is as expected, which a pill says. */
const bare = (says) => says.replace(/,? (not )?as expected$|,? incomplete$/, "");

const pill = (grade) => make("span", { class: `pill ${LOOKS[grade]}` }, GRADES[grade]);

function head() {
  return make("header", { class: "head" },
    make("h1", {}, data.title), make("span", { class: "file mono" }, data.file),
    data.about && make("p", { class: "about" }, data.about));
}

function caseTabs() {
  if (data.cases.length < 2) return null;
  const tab = (one, i) => make("button", { role: "tab", "aria-selected": String(i === at.case), onclick: () => show({ case: i }) },
    make("b", {}, one.name.split("/").pop()), " ", one.grade && [make("small", {}, bare(one.verdict)), " ", pill(one.grade)]);
  return make("nav", { class: "tabs", role: "tablist", "aria-label": "Cases" }, data.cases.map(tab));
}

function verdict(one) {
  if (!one.grade) return "";
  return make("section", { class: "card verdict" }, pill(one.grade), make("span", { class: "says" }, bare(one.verdict)),
    one.notes.length > 0 && make("span", { class: "notes" }, one.notes.join(" · ")));
}

function story(execution) {
  const lines = execution.lines.map(([look, line]) => [make("span", { class: look || null }, line), "\n"]);
  if (lines.length === 0) lines.push(execution.kind === "open" ? "Nothing is wrong so far." : "This execution ends well.");
  const copy = make("button", { onclick: () => navigator.clipboard?.writeText(execution.token) }, "copy");
  return make("section", { class: "card story-card" }, make("h2", {}, execution.broken ? "What went wrong" : "What this shows"),
    make("p", { class: "story" }, lines),
    make("div", { class: "token" }, "replay", make("code", {}, execution.token), copy));
}

// ---- The bar ----------------------------------------------------------------------------------------------------------

let bar = {};

function drawBar(one, execution) {
  const option = (run, i) => make("option", { value: i, selected: i === at.execution }, run.title);
  const choose = make("select", { "aria-label": "Execution", onchange: (e) => { show({ execution: Number(e.target.value) }); } },
    one.executions.map(option));
  const button = (sign, name, act) => make("button", { title: name, "aria-label": name, onclick: act }, sign);
  bar = {
    first: button("|◀", "Before the first step", () => show({ step: -1 })),
    back: button("◀", "One step back", () => go(-1)),
    on: button("▶", "One step on", () => go(1)),
    last: button("▶|", "The last step", () => show({ step: Infinity })),
    slider: make("input", { type: "range", min: 0, max: execution.steps.length, "aria-label": "Step",
      oninput: (e) => show({ step: Number(e.target.value) - 1 }) }),
    count: make("span", { class: "count", "aria-live": "polite" }),
  };
  return make("div", { class: "bar", role: "toolbar", "aria-label": "Steps" }, choose,
    make("span", { class: "group" }, bar.first, bar.back, bar.on, bar.last), bar.slider, bar.count,
    execution.noReturn !== undefined && make("button", { onclick: toNoReturn, title: "Key p" }, "point of no return"),
    execution.passing !== undefined && make("button", { onclick: toggleCompare, "aria-pressed": String(at.compare), title: "Key c" }, "beside one that passes"),
    button("?", "Keys", openHelp));
}

function drawBarStep(execution) {
  const all = execution.steps.length;
  bar.first.disabled = bar.back.disabled = at.step < 0;
  bar.on.disabled = bar.last.disabled = at.step >= all - 1;
  bar.slider.value = at.step + 1;
  bar.count.textContent = at.step < 0 ? `start of ${all} steps` : `step ${at.step + 1} of ${all}`;
}

// ---- The trace --------------------------------------------------------------------------------------------------------

/** The threads that take a step, in their order; teardown behind them. */
function lanesOf(one, executions) {
  const taking = new Set(executions.flatMap((e) => e.steps.map((step) => step.t)));
  const stuck = (t) => executions.some((e) => e.broken && !one.threads[t]?.agent && taking.has(t));
  return [...new Set([...taking].filter((t) => taking.has(t) || stuck(t)))].sort((a, b) => a - b);
}

const nameOf = (one, t) => one.threads[t]?.name ?? "teardown";

function laneTable(one, execution, lanes, focus) {
  const names = lanes.map((t) => make("th", { class: "lane", style: { "--own": colour(t) }, scope: "col" },
    nameOf(one, t), one.threads[t]?.agent && make("small", {}, " agent")));
  const body = make("tbody");
  const rows = [];
  const asleep = new Set();
  const over = new Set();
  const mark = (look, text) => body.append(make("tr", { class: `mark ${look}` }, make("td", { colspan: lanes.length + 2 }, text)));
  execution.steps.forEach((step, i) => {
    if (execution.loopFrom === i) mark("warn", "↻ from here on it goes round, for ever");
    if (execution.same === i) mark("good", "from here on it differs");
    for (const t of step.wakes ?? []) asleep.delete(t);
    asleep.delete(step.t);
    const cells = lanes.map((t) => {
      if (t === step.t) return stepCell(one, step, execution.steps[i - 1]);
      const woken = step.wakes?.includes(t) && make("div", { class: "woken" }, "woken");
      return make("td", { class: `lane${asleep.has(t) ? " asleep" : ""}${over.has(t) ? " over" : ""}` }, woken);
    });
    if (step.end === "asleep") asleep.add(step.t);
    if (step.changes.includes(`${nameOf(one, step.t)}: done`)) over.add(step.t);
    const row = make("tr", { class: step.switch ? "switch" : null, onclick: () => focus(i) },
      make("td", { class: "n" }, i + 1), cells,
      make("td", { class: "what" }, step.changes.flatMap((text, n) => [n > 0 && make("br"), breakable(text)])));
    rows.push(row);
    body.append(row);
    for (const text of step.breaks ?? []) mark("bad", `${text} does not hold`);
    if (execution.noReturn === i) mark("bad", "point of no return: after this step nothing can end well");
  });
  if (execution.broken) mark("bad", execution.lines.find(([look]) => look === "bad")?.[1] ?? execution.broken);
  else if (execution.kind !== "open") mark("good", "ends well");
  const table = make("table", { class: "lanes" },
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "#"), names, make("th", { scope: "col" }, "what changed"))), body);
  return { table, rows };
}

function stepCell(one, step, before) {
  const inside = (step.calls ?? []).map((call) => call.name).join(" › ");
  const again = !step.first || (before && before.t === step.t && before.op === step.op && !step.first);
  return make("td", { class: "lane" },
    inside && make("div", { class: "in" }, inside, " ›"),
    make("div", { class: again ? "op again" : "op" }, again ? "… " : "", step.op || step.label,
      step.result !== undefined && make("span", { class: "result" }, ` → ${step.result}`)),
    step.op && step.label !== step.op && make("div", { class: "does" }, step.label),
    step.end === "asleep" && make("div", { class: "sleeps" }, "goes to sleep"));
}

/** A long name, with places at which a narrow column may break it. */
const breakable = (text) => text.split(/(?<=[.:→])/).flatMap((part, i) => [i > 0 && make("wbr"), part]);

// ---- The state --------------------------------------------------------------------------------------------------------

/** What there is of subjects of a group: each with its facts by name. */
function grouped(one, state, group) {
  const found = new Map();
  for (const [key, value] of state.facts) {
    const blank = key.indexOf(" ");
    const subject = Number(key.slice(0, blank));
    if (one.subjects[subject].group !== group) continue;
    if (!found.has(subject)) found.set(subject, new Map());
    found.get(subject).set(key.slice(blank + 1), value);
  }
  return [...found].sort((a, b) => a[0] - b[0]);
}

function factRow(one, subject, facts, changed) {
  const values = [...facts].map(([name, value], i) => {
    const key = `${subject} ${name}`;
    const was = changed.get(key);
    return [i > 0 && ", ", name && `${name} `,
      changed.has(key) && was !== undefined && make("span", { class: "was value" }, was),
      make("span", { class: changed.has(key) ? "value changed" : "value" }, value)];
  });
  const gone = [...changed].filter(([key, was]) => key.startsWith(`${subject} `) && was !== undefined && !facts.has(key.slice(key.indexOf(" ") + 1)));
  return make("tr", {}, make("td", { title: one.subjects[subject].name }, one.subjects[subject].name),
    make("td", {}, values, gone.map(([key, was]) => [" ", key.slice(key.indexOf(" ") + 1), " ", make("span", { class: "was value" }, was)])));
}

/** A section of facts: those that move in this execution are seen, the others behind a click. */
function factSection(title, one, execution, entries, changed) {
  if (entries.length === 0) return null;
  const moved = everChanged(execution);
  const rows = (list) => make("table", { class: "facts" }, list.map(([subject, facts]) => factRow(one, subject, facts, changed)));
  const seen = entries.filter(([subject]) => moved.has(subject));
  const rest = entries.filter(([subject]) => !moved.has(subject));
  return make("section", {}, make("h2", {}, title), seen.length > 0 && rows(seen),
    rest.length > 0 && make("details", {}, make("summary", {}, `${rest.length} that never ${rest.length > 1 ? "change" : "changes"} here`), rows(rest)));
}

function threadSection(one, state, changed, lanes) {
  const rows = grouped(one, state, "thread").filter(([subject, facts]) => {
    const t = subject - (one.subjects.length - one.threads.length);
    return lanes.includes(t) || !one.threads[t].agent || facts.get("state")?.startsWith("asleep") === false;
  });
  const row = ([subject, facts]) => {
    const t = subject - (one.subjects.length - one.threads.length);
    const fresh = (name) => (changed.has(`${subject} ${name}`) ? "value changed" : "value");
    return make("tr", { style: { "--own": colour(t) } },
      make("td", {}, make("span", { class: "dot" }), one.threads[t].name),
      make("td", {}, make("span", { class: fresh("state") }, facts.get("state")),
        facts.get("line") && make("span", { class: "none" }, ` line ${facts.get("line")}`),
        facts.get("locals") && [" · ", make("span", { class: fresh("locals") }, facts.get("locals"))]));
  };
  return make("section", {}, make("h2", {}, "Threads"), make("table", { class: "facts" }, rows.map(row)));
}

function fenceSection(one, execution, state, changed) {
  const all = grouped(one, state, "fence");
  if (all.length === 0) return null;
  const chip = ([subject, facts]) => {
    const done = facts.get("signaled") === "yes";
    const fresh = [...facts.keys()].some((name) => changed.has(`${subject} ${name}`));
    const more = [...facts].filter(([name, value]) => !["signaled", "detached", "lock"].includes(name) && !isBlank(value));
    return make("span", { class: `chip${done ? " done" : ""}${fresh ? " fresh" : ""}` }, make("b", {}, one.subjects[subject].name), " ",
      facts.has("signaled") ? (done ? "signaled" : "pending") : "", more.map(([name, value]) => ` · ${name} ${value}`));
  };
  return make("section", {}, make("h2", {}, "Fences"), make("div", { class: "chips" }, all.map(chip)));
}

// ---- Who waits for whom -----------------------------------------------------------------------------------------------

/** The threads and objects on a circle of waiting: who waits for an object waits for those that it comes from. */
function circle(waits, holds) {
  const next = new Map();
  const edge = (from, to) => next.set(from, [...(next.get(from) ?? []), to]);
  for (const wait of waits) {
    edge(`t${wait.thread}`, `o${wait.on}`);
    for (const t of wait.from) edge(`o${wait.on}`, `t${t}`);
  }
  for (const start of next.keys()) {
    const path = [];
    const seen = new Set();
    const walk = (node) => {
      path.push(node);
      for (const to of next.get(node) ?? []) {
        if (to === start) return true;
        if (!seen.has(to)) {
          seen.add(to);
          if (walk(to)) return true;
        }
      }
      path.pop();
      return false;
    };
    if (walk(start)) return new Set(path.map((node, i) => `${node} ${path[(i + 1) % path.length]}`));
  }
  return new Set();
}

function waitGraph(one, state) {
  const { waits, holds } = state;
  if (waits.length === 0 && holds.length === 0) return make("p", { class: "none" }, "Nobody holds a lock, and nobody waits.");
  const threads = [...new Set([...waits.flatMap((w) => [w.thread, ...w.from]), ...holds.map(([t]) => t)])].sort((a, b) => a - b);
  const objects = [...new Set([...holds.map(([, name]) => name), ...waits.map((w) => w.on)])];
  const onCircle = circle(waits, holds);
  const [width, gap, boxWidth, boxHeight] = [440, 46, 130, 26];
  const height = Math.max(threads.length, objects.length) * gap + 8;
  const spread = (list, i) => ((i + 0.5) * height) / list.length;
  const left = (t) => ({ x: 4 + boxWidth, y: spread(threads, threads.indexOf(t)) });
  const right = (name) => ({ x: width - boxWidth - 4, y: spread(objects, objects.indexOf(name)) });
  const arrows = [];
  const arrow = (from, to, look, key, bend) => {
    const bad = onCircle.has(key);
    const middle = (from.x + to.x) / 2;
    const path = `M ${from.x} ${from.y + bend} C ${middle} ${from.y + bend}, ${middle} ${to.y + bend}, ${to.x + (to.x > from.x ? -7 : 7)} ${to.y + bend}`;
    arrows.push(draw("path", { d: path, class: `${look}${bad ? " circle" : ""}`, "marker-end": `url(#${bad ? "circle" : look})` }));
  };
  const held = new Set(holds.map(([t, name]) => `${name} ${t}`));
  for (const [t, name] of holds) arrow(right(name), left(t), "held", `o${name} t${t}`, 5);
  for (const wait of waits) {
    arrow(left(wait.thread), right(wait.on), "waits", `t${wait.thread} o${wait.on}`, -5);
    for (const t of wait.from) if (!held.has(`${wait.on} ${t}`)) arrow(right(wait.on), left(t), "from", `o${wait.on} t${t}`, 5);
  }
  const fit = (name) => (name.length > 17 ? `${name.slice(0, 16)}…` : name);
  const box = (x, y, name, look, own) => draw("g", { style: own ? { "--own": own } : {} },
    draw("title", {}, name),
    draw("rect", { x, y: y - boxHeight / 2, width: boxWidth, height: boxHeight, rx: look === "thread" ? 13 : 4, class: look }),
    draw("text", { x: x + boxWidth / 2, y: y + 4, "text-anchor": "middle", class: "mono" }, fit(name)));
  const marker = (look) => draw("marker", { id: look, viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto", markerUnits: "userSpaceOnUse" },
    draw("path", { d: "M0 0 L8 4 L0 8 z", class: `head-${look}` }));
  const picture = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "Who holds what, and who waits for whom" },
    draw("defs", {}, ["held", "waits", "from", "circle"].map(marker)), arrows,
    threads.map((t) => box(4, left(t).y, nameOf(one, t), "thread", colour(t))),
    objects.map((name) => box(width - boxWidth - 4, right(name).y, name, "box")));
  const entry = (look, text) => make("span", { class: look }, make("i"), text);
  return make("div", {}, picture, make("div", { class: "legend" },
    waits.length > 0 && entry("waits", "waits for"), holds.length > 0 && entry("held", "held by"),
    waits.some((w) => w.from.some((t) => !held.has(`${w.on} ${t}`))) && entry("from", "could be ended by"),
    onCircle.size > 0 && entry("circle", "a circle: nobody on it can go on")));
}

// ---- Pages and mappings -----------------------------------------------------------------------------------------------

/** The words that lead to a frame at some time of an execution: entries of page tables, pointers. */
function mappers(one, execution) {
  if (execution.mappers) return execution.mappers;
  const frames = new Set(one.subjects.filter((s) => s.group === "frame").map((s) => s.name));
  const found = new Set();
  for (const seen of [execution.start, ...execution.steps]) {
    for (const [subject, , value] of seen.facts) {
      if (one.subjects[subject].group === "word" && value !== null && frames.has(value.replace(" (freed)", ""))) found.add(subject);
    }
  }
  execution.mappers = [...found].sort((a, b) => a - b);
  return execution.mappers;
}

function memorySection(one, execution, state, changed) {
  const frames = one.subjects.map((s, i) => [s, i]).filter(([s]) => s.group === "frame");
  if (frames.length === 0) return null;
  const entries = mappers(one, execution);
  const [boxWidth, gap, across] = [104, 12, 4];
  const rowsOf = (list) => Math.ceil(list.length / across);
  const x = (i) => 4 + (i % across) * (boxWidth + gap);
  const top = rowsOf(entries) * 34;
  const base = entries.length > 0 ? top + 40 : 4;
  const y = (i) => base + Math.floor(i / across) * 58;
  const width = 4 + across * (boxWidth + gap);
  const height = base + rowsOf(frames) * 58;
  const fact = (subject, name) => state.facts.get(`${subject} ${name}`);
  const fresh = (subject) => [...changed.keys()].some((key) => key.startsWith(`${subject} `));
  const fit = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  const frame = ([s, subject], i) => {
    const contents = fact(subject, "contents") ?? "";
    const bad = ["torn", "undefined", "a former owner's"].includes(contents) || fact(subject, "line")?.includes("stale");
    const alive = fact(subject, "life") !== "free";
    const more = ["pins", "line", "buffer"].filter((name) => fact(subject, name) && fact(subject, name) !== "as memory").map((name) => `${name} ${fact(subject, name)}`).join(" ");
    return draw("g", {}, draw("title", {}, `${s.name}: ${fact(subject, "life") ?? ""} ${contents} ${more}`),
      draw("rect", { x: x(i), y: y(i), width: boxWidth, height: 50, rx: 5, class: `frame${bad ? " bad" : alive ? " alive" : ""}${fresh(subject) ? " fresh" : ""}` }),
      draw("text", { x: x(i) + 6, y: y(i) + 15, class: "mono" }, fit(s.name, 14)),
      draw("text", { x: x(i) + 6, y: y(i) + 30 }, fit(contents, 16)),
      draw("text", { x: x(i) + 6, y: y(i) + 44, class: "dim" }, fit(`${alive ? "" : "free "}${more}`, 17)));
  };
  const entry = (subject, i) => {
    const value = fact(subject, "") ?? "";
    const [left, above] = [x(i), 4 + Math.floor(i / across) * 34];
    const target = frames.findIndex(([s]) => s.name === value.replace(" (freed)", ""));
    return [
      target >= 0 && draw("path", { class: `map${fresh(subject) ? " fresh" : ""}`, d: `M ${left + boxWidth / 2} ${above + 24} C ${left + boxWidth / 2} ${base - 10}, ${x(target) + boxWidth / 2} ${above + 34}, ${x(target) + boxWidth / 2} ${y(target)}` }),
      draw("g", {}, draw("title", {}, `${one.subjects[subject].name} → ${value}`),
        draw("rect", { x: left, y: above, width: boxWidth, height: 24, rx: 4, class: `box${fresh(subject) ? " fresh" : ""}` }),
        draw("text", { x: left + 6, y: above + 16, class: "mono" }, fit(one.subjects[subject].name, 13))),
    ];
  };
  return make("section", {}, make("h2", {}, "Pages"),
    draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "Pages, and what leads to them" },
      entries.map(entry), frames.map(frame)));
}

// ---- The text ---------------------------------------------------------------------------------------------------------

let source = {};

function sourceCard() {
  const files = [[null, data.text], ...data.libraries];
  const short = (name) => (name ?? data.file).split("/").pop();
  const tab = ([name]) => make("button", { role: "tab", title: name ?? data.file, onclick: () => { at.file = name; drawSource(); } }, short(name));
  source = { files, tabs: files.map(tab), body: make("div", { class: "scroll", tabindex: 0 }), drawn: undefined, lines: [] };
  return make("section", { class: "card source" },
    make("div", { class: "names", role: "tablist", "aria-label": "Files" }, make("h2", {}, "Text"), source.tabs), source.body);
}

/** How a line was covered: taken, never, or with a condition that fell one way only. */
function coverOf(line) {
  const here = data.coverage.filter((covered) => covered.line === line);
  if (here.length === 0) return [null, null];
  const half = here.some((c) => c.ways && c.count > 0 && (c.ways[0] === 0) !== (c.ways[1] === 0));
  const count = Math.max(...here.map((c) => c.count));
  const ways = here.filter((c) => c.ways).map((c) => `; true ${c.ways[0]}, false ${c.ways[1]}`).join("");
  return [count === 0 ? "no" : half ? "half" : "yes", `taken ${count} times${ways}`];
}

function drawSource() {
  source.tabs.forEach((tab, i) => tab.setAttribute("aria-selected", String(source.files[i][0] === at.file)));
  if (source.drawn !== at.file || source.lines.length === 0) {
    const text = source.files.find(([name]) => name === at.file)?.[1] ?? "";
    source.lines = text.replace(/\n$/, "").split("\n").map((line, i) => {
      const [look, title] = at.file === null ? coverOf(i + 1) : [null, null];
      return make("div", { class: look, title }, make("span", { class: "cover" }), make("span", { class: "number" }, i + 1),
        make("span", { class: "text" }, line), make("span", { class: "who" }));
    });
    source.body.replaceChildren(make("div", { class: "lines" }, source.lines));
    source.drawn = at.file;
    source.marked = [];
  }
  for (const line of source.marked ?? []) {
    line.classList.remove("here", "calls", "next");
    line.lastChild.textContent = "";
  }
  source.marked = [];
  const mark = (place, look, who) => {
    if (!place || (place.file ?? null) !== at.file) return null;
    const line = source.lines[place.line - 1];
    if (!line) return null;
    line.classList.add(look);
    if (who) line.lastChild.textContent = who;
    source.marked.push(line);
    return line;
  };
  const step = currentExecution()?.steps[at.step];
  let seen = null;
  if (byHand && currentExecution()) for (const [place, who] of byHand.marks(currentExecution())) seen = mark(place, "next", who) ?? seen;
  if (!step) return;
  for (const call of step.calls ?? []) seen = mark(call.at, "calls") ?? seen;
  seen = mark(step.at, "here", `◀ ${nameOf(currentCase(), step.t)}`) ?? seen;
  if (seen) reveal(source.body, seen);
}

/** Scrolls a list so that something in it is seen, and nothing else. */
function reveal(body, element) {
  const [outer, inner] = [body.getBoundingClientRect(), element.getBoundingClientRect()];
  const head = body.querySelector("thead")?.offsetHeight ?? 0;
  if (inner.top < outer.top + head + 8) body.scrollTop -= outer.top + head + 40 - inner.top;
  else if (inner.bottom > outer.bottom - 8) body.scrollTop += inner.bottom - outer.bottom + 60;
  if (body.scrollWidth <= body.clientWidth) return;
  const cell = (element.querySelector(".op")?.parentElement ?? element).getBoundingClientRect();
  if (cell.left < outer.left || cell.right > outer.right) body.scrollLeft += cell.left - outer.left - outer.width / 3;
}

// ---- Outcomes ---------------------------------------------------------------------------------------------------------

function outcomes(one) {
  const wrong = one.executions.map((run, i) => [run, i]).filter(([run]) => run.broken);
  if (one.outcomes.length === 0 && wrong.length === 0) return null;
  const varying = one.columns.map((_, c) => one.outcomes.some((o) => o.cells[c] !== one.outcomes[0].cells[c]));
  const constant = one.columns.filter((_, c) => !varying[c]).map((name) => `${name}=${one.outcomes[0]?.cells[one.columns.indexOf(name)]}`);
  const look = (execution) => execution !== undefined && make("button", { onclick: () => { show({ execution }); root.scrollIntoView(); } }, "look");
  const row = (outcome, i) => make("tr", {}, make("td", {}, make("span", { class: "pill good" }, `ends well ${i + 1}`)),
    outcome.cells.filter((_, c) => varying[c]).map((cell) => make("td", {}, cell)), make("td", {}, look(outcome.execution)));
  const columns = one.columns.filter((_, c) => varying[c]);
  const bad = ([run, i]) => make("tr", {}, make("td", {}, make("span", { class: `pill ${run.kind === "wrong" ? "bad" : "warn"}` }, run.broken)),
    make("td", { colspan: columns.length || 1 }, run.kind === "wrong" ? "not expected" : "expected"), make("td", {}, look(i)));
  return make("section", { class: "card outcomes" }, make("h2", {}, "How it can end"),
    one.outcomes.length > 0 && constant.length > 0 && make("p", { class: "mono" }, `always ${constant.join(" ")}`),
    make("div", { class: "wide" }, make("table", {},
      columns.length > 0 && one.outcomes.length > 0 && make("tr", {}, make("th"), columns.map((name) => make("th", {}, name)), make("th")),
      one.outcomes.map(row), wrong.map(bad))));
}

// ---- All of it --------------------------------------------------------------------------------------------------------

let parts = {};

function drawCase() {
  const one = currentCase();
  const execution = currentExecution();
  if (!execution) {
    root.replaceChildren(head(), caseTabs() ?? "", verdict(one), make("div", { class: "stack" }, outcomes(one) ?? "", sourceCard()));
    drawSource();
    return;
  }
  const passing = at.compare ? one.executions[execution.passing] : null;
  const lanes = lanesOf(one, passing ? [execution, passing] : [execution]);
  const own = laneTable(one, execution, lanes, (step) => show({ step }));
  const scroll = make("div", { class: "scroll", tabindex: 0 }, own.table);
  const traces = [make("section", { class: "card trace" }, passing && make("h2", {}, execution.title), scroll)];
  if (passing) {
    const other = laneTable(one, passing, lanes, () => show({ execution: execution.passing }));
    traces.push(make("section", { class: "card trace" }, make("h2", {}, passing.title), make("div", { class: "scroll", tabindex: 0 }, other.table)));
  }
  const state = make("section", { class: "card state", "aria-label": "State" });
  parts = { rows: own.rows, scroll, state, lanes, marked: null };
  root.replaceChildren(head(), caseTabs() ?? "", verdict(one), drawBar(one, execution),
    make("div", { class: passing ? "work two" : "work" },
      make("div", { class: "stack" }, make("div", { class: passing ? "traces two" : "traces" }, traces), story(execution), byHand ? "" : outcomes(one) ?? ""),
      make("div", { class: "stack" }, byHand?.section(), state, sourceCard())));
  drawStep();
}

function drawStep() {
  const [one, execution] = [currentCase(), currentExecution()];
  drawBarStep(execution);
  parts.marked?.classList.remove("now");
  parts.marked?.removeAttribute("aria-current");
  parts.rows.forEach((row, i) => {
    if (row.classList.contains("later") !== i > at.step) row.classList.toggle("later", i > at.step);
  });
  parts.marked = parts.rows[at.step] ?? null;
  if (parts.marked) {
    parts.marked.classList.add("now");
    parts.marked.setAttribute("aria-current", "step");
    reveal(parts.scroll, parts.marked);
    // What stands under the last step belongs to it.
    if (at.step === execution.steps.length - 1) parts.scroll.scrollTop = parts.scroll.scrollHeight;
  } else parts.scroll.scrollTop = 0;
  const changed = changesOf(execution, at.step);
  const state = stateAt(execution, at.step);
  parts.state.replaceChildren(...[
    make("section", {}, make("h2", {}, at.step < 0 ? "Before the first step" : `After step ${at.step + 1}`), waitGraph(one, state)),
    threadSection(one, state, changed, parts.lanes),
    memorySection(one, execution, state, changed),
    fenceSection(one, execution, state, changed),
    factSection("Reservations", one, execution, grouped(one, state, "resv"), changed),
    factSection("Locks", one, execution, grouped(one, state, "lock"), changed),
    factSection("Words", one, execution, grouped(one, state, "word"), changed),
    factSection("Other objects", one, execution, grouped(one, state, "object"), changed),
  ].filter(Boolean));
  byHand?.draw();
  drawSource();
}

function drawList() {
  const row = (entry) => make("tr", {},
    make("td", {}, make("a", { href: encodeURI(entry.page) }, entry.title), " ", make("span", { class: "none mono" }, entry.file), make("p", { class: "about" }, entry.about)),
    make("td", { class: "cases" }, entry.cases.map(([name, grade, says]) =>
      make("div", {}, entry.cases.length > 1 && make("b", {}, name.split("/").pop()), " ", make("span", { class: "none" }, bare(says)), " ", pill(grade)))));
  root.append(make("header", { class: "head" }, make("h1", {}, "Scenarios")), make("section", { class: "card list" }, make("table", {}, data.list.map(row))));
}

if (data.list) drawList();
else {
  if (byHand) data.cases.forEach((one) => byHand.name(one));
  if (byHand?.recall() || !recalled()) {
    at.case = byHand ? at.case : firstCase();
    if (currentExecution()) at.step = firstLook(currentExecution());
  }
  drawCase();
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => { if (byHand ? byHand.recall() : recalled()) drawCase(); });
}
