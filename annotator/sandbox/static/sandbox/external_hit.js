// In the place of Amazon's own form script: the two functions that pages written for it call.
// A form that should have other names is given as the argument.
function turkGetParam(name, otherwise = "") {
  const value = new URLSearchParams(window.location.search).get(name);
  return value === null ? otherwise : value;
}

function turkSetAssignmentID(formId = "mturk_form", buttonId = "submitButton") {
  const assignment = turkGetParam("assignmentId");
  const form = document.getElementById(formId) || document.forms[formId];
  let field = document.getElementById("assignmentId");
  if (!field && form) {
    field = document.createElement("input");
    field.type = "hidden";
    field.name = field.id = "assignmentId";
    form.append(field);
  }
  if (field) field.value = assignment;
  const isPreview = assignment === "" || assignment === "ASSIGNMENT_ID_NOT_AVAILABLE";
  const button = document.getElementById(buttonId);
  if (button && isPreview) {
    button.disabled = true;
    button.value = "Accept the HIT before you submit";
  }
  // As at Amazon, so that one form serves its sandbox and the real marketplace.
  const site = turkGetParam("turkSubmitTo");
  if (form && site) form.action = `${site}/mturk/externalSubmit`;
}
