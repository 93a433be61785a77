// One press is the whole answer, so there are no drafts.
(() => {
  const { config, $, work, clientId, post, say, tell, finish, run } = hitPage;

  async function submit(verdict) {
    if (!work.token) return;
    say("Storing your answer …");
    const { status, body } = await post(config.urls.submit, {
      work_token: work.token, client_id: clientId, verdict, active_seconds: work.activeSeconds,
    });
    say("");
    if (status === 200) return finish(body);
    tell(body.error ?? "Your answer could not be stored yet: no connection. Please press again in a moment.", true);
  }

  $("form").addEventListener("submit", (event) => { event.preventDefault(); if (event.submitter) submit(event.submitter.value); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const verdict = { y: "yes", n: "no" }[event.key.toLowerCase()];
    if (verdict) submit(verdict);
  });
  run(() => {});
})();
