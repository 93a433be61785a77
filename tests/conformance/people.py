"""People at the endpoint's worker site: they sign up, accept, submit and return."""

import itertools
import re
import secrets

import httpx


class Worker:
    """One person's browser at the worker site, with cookies and without scripts."""

    def __init__(self, site: str, name: str) -> None:
        self.page = ""
        self.url = ""
        self._browser = httpx.Client(base_url=site, headers={"Referer": site}, follow_redirects=True, timeout=30)
        self.get("/worker/sign-up")
        self.post("/worker/sign-up", name=name, country="US", of_age="1")
        self.mturk_id = self.find(r'data-worker-id="(\w+)"')

    def get(self, path: str) -> str:
        return self._keep(self._browser.get(path))

    def post(self, path: str, **fields: str) -> str:
        return self._keep(self._browser.post(path, data={**fields, "csrfmiddlewaretoken": self._token()}))

    def upload(self, path: str, field: str, content: bytes) -> str:
        files, fields = {field: ("a.bin", content)}, {"csrfmiddlewaretoken": self._token()}
        return self._keep(self._browser.post(path, data=fields, files=files))

    def close(self) -> None:
        self._browser.close()

    def _token(self) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page)
        return token[1] if token else ""

    def _keep(self, answer: httpx.Response) -> str:
        self.page, self.url = answer.text, str(answer.url)
        return self.page

    def find(self, pattern: str) -> str:
        match = re.search(pattern, self.page)
        assert match, f"The worker site shows nothing like {pattern}."
        return match[1]

    def accept(self, hit_id: str) -> str:
        self.get(f"/worker/hits/{hit_id}/")
        self.post(f"/worker/hits/{hit_id}/accept")
        return self.find(r'data-assignment-id="(\w+)"')

    def submit(self, assignment_id: str, **answer: str) -> None:
        self._keep(self._browser.post("/mturk/externalSubmit", data={"assignmentId": assignment_id, **answer}))
        self.find(r'(id="submitted")')

    def give_back(self, assignment_id: str) -> None:
        self.get(f"/worker/assignments/{assignment_id}/")
        self.post(f"/worker/assignments/{assignment_id}/return")


class People:
    """As many people as the checks need. Their names begin with `simulated-`."""

    def __init__(self, worker_site: str) -> None:
        self.worker_site = worker_site
        self._workers: list[Worker] = []
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(4)

    def new_worker(self) -> Worker:
        self._workers.append(Worker(self.worker_site, f"simulated-{self._run}-{next(self._numbers)}"))
        return self._workers[-1]

    def submit(self, hit_id: str, worker: Worker | None = None, **answer: str) -> str:
        """The id of an assignment of this HIT that somebody has submitted."""
        worker = worker or self.new_worker()
        assignment_id = worker.accept(hit_id)
        worker.submit(assignment_id, **(answer or {"description": "stripes"}))
        return assignment_id

    def close(self) -> None:
        for worker in self._workers:
            worker.close()
