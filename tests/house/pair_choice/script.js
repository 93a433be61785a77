(() => {
  const { config, $, work, clientId, post, say, tell, finish, run } = hitPage;
  $("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!work.token) return;
    const { status, body } = await post(config.urls.submit, {
      work_token: work.token, client_id: clientId, chosen: event.submitter.value, active_seconds: work.activeSeconds,
    });
    say("");
    if (status === 200) finish(body);
    else tell(body.error, true);
  });
  run(() => {});
})();
