// In the place of Amazon's script of crowd elements, from what Amazon's documentation says of them. Served are
// crowd-form, crowd-button, crowd-input, crowd-text-area, crowd-slider, crowd-checkbox, crowd-toggle-button,
// crowd-radio-group with crowd-radio-button, crowd-classifier, crowd-image-classifier, crowd-classifier-multi-select,
// and those that only show text. A form sends one field, taskAnswers: a JSON list of one object, answers by name.
(() => {
  const given = new URLSearchParams(window.location.search);
  const assignment = given.get("assignmentId") || "";
  const isPreview = assignment === "" || assignment === "ASSIGNMENT_ID_NOT_AVAILABLE";
  // Only text: what is in them is shown as it is.
  const SHOWN = [
    "crowd-alert", "crowd-badge", "crowd-card", "crowd-icon-button", "crowd-instructions", "crowd-modal", "crowd-tab",
    "crowd-tabs", "crowd-toast",
  ];

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  // The script runs before the page is read to its end; an element's content is there after that.
  const whenRead = (act) => {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", act);
    else act();
  };
  let nextId = 0;
  const makeId = () => `crowd-field-${(nextId += 1)}`;

  function readChoices(text) {
    try {
      return JSON.parse(text).map(String);
    } catch {
      // Amazon's own samples write the list with single quotes.
      return [...text.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)].map((one) =>
        (one[1] ?? one[2]).replace(/\\(.)/g, "$1"),
      );
    }
  }

  // An element made of one field of HTML; `build` makes it, `read` says what it answers.
  function fieldElement(build, read) {
    return class extends HTMLElement {
      connectedCallback() {
        if (!this.field) whenRead(() => this.build());
      }

      build() {
        if (this.field) return;
        const id = makeId();
        this.field = build(this, id);
        this.field.id = id;
        this.field.required = this.hasAttribute("required");
        this.field.disabled = this.hasAttribute("disabled");
        const label = this.getAttribute("label");
        if (label) this.append(make("label", { htmlFor: id, textContent: label }), " ");
        this.append(this.field, ...(this.field.caption ? [" ", this.field.caption] : []));
      }

      get name() {
        return this.getAttribute("name") || "";
      }

      get value() {
        return this.field ? this.field.value : this.getAttribute("value") || "";
      }

      set value(text) {
        if (this.field) this.field.value = text;
      }

      get checked() {
        return Boolean(this.field && this.field.checked);
      }

      set checked(isChecked) {
        if (this.field) this.field.checked = isChecked;
      }

      answer() {
        return read(this);
      }
    };
  }

  const attribute = (host, name, otherwise = "") => host.getAttribute(name) ?? otherwise;

  const buildInput = (host) =>
    make("input", {
      type: attribute(host, "type", "text"), value: attribute(host, "value"),
      placeholder: attribute(host, "placeholder"), ...(host.hasAttribute("maxlength") && {
        maxLength: Number(attribute(host, "maxlength")),
      }),
    });

  const buildText = (host) => {
    const text = make("textarea", {
      rows: Number(attribute(host, "rows", "3")), cols: 40, value: attribute(host, "value"),
      placeholder: attribute(host, "placeholder"),
    });
    if (host.hasAttribute("max-length")) text.maxLength = Number(attribute(host, "max-length"));
    return text;
  };

  const buildSlider = (host) =>
    make("input", {
      type: "range", min: attribute(host, "min", "0"), max: attribute(host, "max", "100"),
      step: attribute(host, "step", "1"), value: attribute(host, "value", attribute(host, "min", "0")),
    });

  // A checkbox or a radio button has its text as its label.
  const buildTick = (type) => (host, id) => {
    const text = make("label", { htmlFor: id }, ...host.childNodes);
    const group = host.closest("crowd-radio-group");
    const field = make("input", { type, checked: host.hasAttribute("checked") });
    if (type === "radio") {
      if (group && !group.id) group.id = makeId();
      field.name = group ? `in-${group.id}` : attribute(host, "name");
    }
    field.caption = text;
    return field;
  };

  const readText = (host) => ({ [host.name]: host.value });
  const readNumber = (host) => ({ [host.name]: Number(host.value) });
  const readTick = (host) => ({ [host.name]: { [attribute(host, "value", "on")]: host.checked } });
  // A group with a name answers for its buttons, by their values; without one each answers by its own name.
  const readRadio = (host) => {
    const group = host.closest("crowd-radio-group");
    const name = (group && group.getAttribute("name")) || host.name;
    return { [name]: { [attribute(host, "value", group && group.getAttribute("name") ? host.name : "on")]: host.checked } };
  };

  function classifier(type) {
    return class extends HTMLElement {
      connectedCallback() {
        if (!this.fields) whenRead(() => this.build());
      }

      build() {
        if (this.fields) return;
        const name = makeId();
        const choices = readChoices(attribute(this, "categories"));
        this.fields = choices.map((value) => make("input", { type, name, value, id: makeId() }));
        if (type === "radio") this.fields.forEach((field) => (field.required = true));
        const rows = this.fields.map((field) =>
          make("div", {}, field, " ", make("label", { htmlFor: field.id, textContent: field.value })),
        );
        const header = attribute(this, "header");
        if (this.hasAttribute("src")) this.append(make("img", { src: attribute(this, "src"), alt: header, style: "max-width: 100%" }));
        this.append(make("fieldset", {}, make("legend", { textContent: header }), ...rows));
      }

      get name() {
        return this.getAttribute("name") || "";
      }

      get value() {
        const chosen = (this.fields || []).filter((field) => field.checked).map((field) => field.value);
        return type === "radio" ? { label: chosen[0] ?? null } : { labels: chosen };
      }

      answer() {
        return { [this.name]: this.value };
      }
    };
  }

  class CrowdButton extends HTMLElement {
    connectedCallback() {
      whenRead(() => this.build());
    }

    build() {
      if (this.button) return;
      this.button = make("button", { type: "button" }, ...this.childNodes);
      const does = attribute(this, "form-action");
      this.button.disabled = this.hasAttribute("disabled") || (isPreview && does === "submit");
      this.button.addEventListener("click", () => {
        const form = this.closest("crowd-form");
        if (form && does === "submit") form.send();
        if (form && does === "reset") form.form.reset();
      });
      this.append(this.button);
    }
  }

  // Of each field of plain HTML in the form, as Amazon's script adds them.
  function readPlain(field) {
    if (field.type === "radio" || field.type === "checkbox") return { [field.name]: { [field.value]: field.checked } };
    return { [field.name]: field.value };
  }

  function merge(into, answer) {
    for (const [name, value] of Object.entries(answer)) {
      if (!name) continue;
      const isGroup = typeof value === "object" && value !== null && typeof into[name] === "object" && into[name] !== null;
      into[name] = isGroup ? { ...into[name], ...value } : value;
    }
  }

  function flatten(values, prefix = "") {
    return Object.entries(values).reduce((flat, [name, value]) => {
      const isGroup = typeof value === "object" && value !== null && !Array.isArray(value);
      return isGroup ? { ...flat, ...flatten(value, `${prefix}${name}.`) } : { ...flat, [`${prefix}${name}`]: value };
    }, {});
  }

  const FIELDS = {
    "crowd-input": fieldElement(buildInput, readText),
    "crowd-text-area": fieldElement(buildText, readText),
    "crowd-slider": fieldElement(buildSlider, readNumber),
    "crowd-checkbox": fieldElement(buildTick("checkbox"), readTick),
    "crowd-toggle-button": fieldElement(buildTick("checkbox"), readTick),
    "crowd-radio-button": fieldElement(buildTick("radio"), readRadio),
    "crowd-classifier": classifier("radio"),
    "crowd-image-classifier": classifier("radio"),
    "crowd-classifier-multi-select": classifier("checkbox"),
  };

  class CrowdForm extends HTMLElement {
    connectedCallback() {
      whenRead(() => this.build());
    }

    build() {
      if (this.form) return;
      // Around all that is in it, so that the browser checks what is required.
      this.form = make("form", { method: "post" }, ...this.childNodes);
      this.append(this.form);
      this.form.addEventListener("submit", (event) => {
        event.preventDefault();
        event.stopPropagation();
        this.send();
      });
      const isEnded = this.querySelector("crowd-button[form-action=submit], button[type=submit], input[type=submit]");
      if (!isEnded) {
        const button = make("crowd-button", { textContent: "Submit" });
        button.setAttribute("form-action", "submit");
        this.form.append(button);
      }
      this.tellMissing();
    }

    // An element that is not served must not look like one that nobody needs.
    tellMissing() {
      const known = new Set([...Object.keys(FIELDS), ...SHOWN, "crowd-button", "crowd-form", "crowd-radio-group"]);
      const missing = [...this.querySelectorAll("*")].map((one) => one.localName)
        .filter((name) => name.startsWith("crowd-") && !known.has(name));
      if (missing.length === 0) return;
      const words = `This page uses ${[...new Set(missing)].join(", ")}, which this marketplace does not have. Please return the HIT.`;
      this.prepend(make("p", { role: "alert", textContent: words }));
    }

    // What would be sent, as an object by name.
    read() {
      const values = {};
      for (const one of this.querySelectorAll(Object.keys(FIELDS).join(","))) merge(values, one.answer());
      for (const field of this.form.elements) {
        const isOurs = field.closest(Object.keys(FIELDS).join(",")) !== null;
        if (field.name && !isOurs) merge(values, readPlain(field));
      }
      return attribute(this, "answer-format") === "flatten-objects" ? flatten(values) : values;
    }

    // A listener of `submit` on the element may stop it, as at Amazon.
    send() {
      if (isPreview || !this.form.reportValidity()) return;
      if (this.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }))) this.submit();
    }

    submit() {
      const action = `${given.get("turkSubmitTo") || window.location.origin}/mturk/externalSubmit`;
      const sent = make("form", { method: "post", action, hidden: true });
      for (const [name, value] of [["assignmentId", assignment], ["taskAnswers", JSON.stringify([this.read()])]]) {
        sent.append(make("input", { type: "hidden", name, value }));
      }
      document.body.append(sent);
      HTMLFormElement.prototype.submit.call(sent);
    }
  }

  for (const [name, element] of Object.entries(FIELDS)) customElements.define(name, element);
  customElements.define("crowd-button", CrowdButton);
  customElements.define("crowd-form", CrowdForm);
})();
