"use strict";
// Where the reader chooses each step: asks where the page came from what follows, and draws what can be chosen. It stands
// before page.js, whose functions it uses and which calls it where there is an explorer.

const explorer = {
  /** Whether an answer is awaited. */
  busy: false,
  /** What was said with the last answer, and whether it is a refusal. */
  said: null,
  /** A whole operation at a time. */
  whole: false,
  card: null,

  /** Most ways of a case that are kept when one turns off. */
  MOST_KEPT: 30,

  keys: [
    [["1", "2", "3", "4", "5", "6", "7", "8", "9"], "take that step", (event) => explorer.choose(Number(event.key) - 1)],
    [["o"], "a whole operation at a time, or one step", () => explorer.toggleWhole()],
    [["e"], "on to the nearest end", () => explorer.run("end")],
    [["g"], "on to the nearest end at which all is well", () => explorer.run("well")],
    [["w"], "on to the nearest place where something is wrong", () => explorer.run("wrong")],
    [["y"], "copy the token of the way so far", () => explorer.copy()],
  ],

  /** How many steps of a way were chosen; those behind them are teardown's. */
  taken: (execution) => execution.taken ?? execution.steps.filter((step) => step.t < currentCase().threads.length).length,

  /** Steps as a token without a hash. */
  token(execution, until) {
    const letters = currentCase().letters;
    let [out, run] = ["", 0];
    const steps = execution.steps.slice(0, until);
    steps.forEach((step, i) => {
      run += 1;
      const after = steps[i + 1];
      if (step.choice === undefined && after?.t === step.t) return;
      out += `${letters[step.t]}${run}${step.choice === undefined ? "" : `=${step.choice}`}`;
      run = 0;
    });
    return out;
  },

  /** What can be chosen where one looks. */
  next(execution) {
    const seen = at.step < 0 ? execution.start : execution.steps[at.step];
    return seen.next ?? [];
  },

  sameStep: (step, option) => step !== undefined && step.t === option.t && (step.choice ?? 0) === (option.choice ?? 0),

  choose(i) {
    const execution = currentExecution();
    const option = this.next(execution)[i];
    if (option === undefined) return;
    const from = at.step + 1;
    if (!this.whole && from < this.taken(execution) && this.sameStep(execution.steps[from], option)) {
      go(1);
      return;
    }
    const letter = currentCase().letters[option.t];
    const step = `${letter}1${option.choice === undefined ? "" : `=${option.choice}`}`;
    this.ask({ path: this.token(execution, from) + step, from, go: this.whole ? "operation" : "step" });
  },

  run(goal) {
    const execution = currentExecution();
    const from = Math.min(at.step + 1, this.taken(execution));
    this.ask({ path: this.token(execution, from), from, go: goal });
  },

  toggleWhole() {
    this.whole = !this.whole;
    drawStep();
  },

  copy() {
    navigator.clipboard?.writeText(currentExecution().token);
    this.tell("copied: `fenceweave replay` takes it", false);
  },

  tell(text, isBad) {
    this.said = text ? { text, isBad } : null;
    if (currentExecution()) this.draw();
  },

  /** Asks what follows. What comes replaces the way that goes on so far, or stands beside it where one turns off. */
  async ask(wanted) {
    if (this.busy) return;
    this.busy = true;
    const [place, one] = [at.case, currentCase()];
    try {
      const answer = await fetch("look", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ case: place, ...wanted }),
      });
      const told = await answer.json();
      if (at.case !== place) return;
      if (!answer.ok) this.tell(told.error, true);
      else this.take(one, told, wanted);
    } catch {
      this.tell("nobody answers: `fenceweave explore` has ended, or is not there any more", true);
    } finally {
      this.busy = false;
    }
  },

  take(one, told, wanted) {
    this.said = told.note ? { text: told.note, isBad: false } : null;
    if (told.execution) this.put(one, told, wanted);
    else drawStep();
  },

  put(one, { from, taken, execution }, wanted) {
    const was = currentExecution();
    const way = { ...execution, taken };
    if (from > 0) Object.assign(way, { start: was.start, steps: [...was.steps.slice(0, from), ...execution.steps] });
    const turnsOff = from < this.taken(was);
    if (turnsOff && one.executions.length < this.MOST_KEPT) at.execution = one.executions.push(way) - 1;
    else one.executions[at.execution] = way;
    this.name(one);
    // What teardown did belongs to the last step.
    const isMiddle = wanted.go === "step" && from + 1 < taken && !wanted.whole;
    at.step = isMiddle ? from : way.steps.length - 1;
    drawCase();
    remember();
  },

  name(one) {
    one.executions.forEach((way, i) => {
      const steps = this.taken(way);
      const ends = { wrong: way.broken ?? "something is wrong", well: "ends well", open: "goes on" }[way.kind];
      way.title = `way ${i + 1}: ${steps} ${steps === 1 ? "step" : "steps"}, ${ends}`;
    });
  },

  /** The address of where one is: the case, the step, and the way there. */
  place() {
    const execution = currentExecution();
    return execution ? `#${at.case}.${at.step + 1}.${this.token(execution, this.taken(execution))}` : null;
  },

  /** Goes where the address says; false if it says nothing. */
  recall() {
    const [, one, step, path] = /^#(\d+)\.(\d+)\.([A-Za-z0-9=]*)$/.exec(location.hash) ?? [];
    if (path === undefined || !data.cases[Number(one)]) return false;
    at.case = Number(one);
    at.execution = 0;
    if (this.place() === location.hash) return false;
    const wanted = Number(step);
    this.ask({ path, from: 0, go: "step", whole: true }).then(() => {
      if (this.said === null && currentExecution()) show({ step: wanted - 1 });
    });
    return true;
  },

  section() {
    this.card = make("section", { class: "card next", "aria-label": "Next step" });
    return this.card;
  },

  option(one, execution, option, i) {
    const line = option.at && `${(option.at.file ?? data.file).split("/").pop()}:${option.at.line}`;
    const inside = option.calls?.length > 0 && make("span", { class: "in" }, option.calls.join(" › "), " › ");
    const gone = this.sameStep(execution.steps[at.step + 1], option);
    return make("li", {}, make("button", { class: gone ? "option gone" : "option", style: { "--own": colour(option.t) }, onclick: () => this.choose(i) },
      i < 9 && make("kbd", {}, i + 1), make("b", {}, nameOf(one, option.t)),
      make("span", { class: "mono" }, inside, option.op || option.label, option.falls && ` ${option.falls}`),
      option.op && option.label !== option.op && make("span", { class: "does" }, option.label),
      line && make("span", { class: "file mono" }, line)));
  },

  draw() {
    const [one, execution] = [currentCase(), currentExecution()];
    const options = this.next(execution);
    const isLast = at.step + 1 >= this.taken(execution);
    const breaks = (at.step < 0 ? execution.start : execution.steps[at.step]).breaks ?? [];
    const button = (key, name, act, pressed) => make("button", { onclick: act, title: `Key ${key}`, "aria-pressed": pressed }, name);
    const over = execution.kind === "wrong" ? execution.lines.find(([look]) => look === "bad")?.[1] ?? execution.broken : "all is over, and nothing is wrong";
    this.card?.replaceChildren(...[
      make("h2", {}, options.length > 0 ? "Next step" : "It is over"),
      options.length === 0 && isLast && make("p", { class: execution.kind === "wrong" ? "bad" : "good", role: "status" }, over),
      options.length === 0 && !isLast && make("p", {}, "Nothing is left to choose."),
      breaks.map((text) => make("p", { class: "bad", role: "status" }, `${text} does not hold here`)),
      options.length > 0 && make("ol", { class: "options" }, options.map((option, i) => this.option(one, execution, option, i))),
      options.length > 0 && make("div", { class: "runs" },
        button("o", "a whole operation at a time", () => this.toggleWhole(), String(this.whole)),
        button("e", "to the nearest end", () => this.run("end")),
        button("g", "to one that is well", () => this.run("well")),
        button("w", "to what is wrong", () => this.run("wrong"))),
      this.said && make("p", { class: this.said.isBad ? "bad" : "none", role: "alert" }, this.said.text),
    ].flat().filter(Boolean));
  },

  /** Lines of the text at which somebody would go on. */
  marks: (execution) => explorer.next(execution).map((option) => [option.at, `▷ ${nameOf(currentCase(), option.t)}`]),
};
