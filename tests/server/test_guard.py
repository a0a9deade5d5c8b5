"""Who may talk to a server without a sign-in: this machine, this page, and nobody through them."""

from __future__ import annotations

import pytest

TASK = "imaging.pneumonia"


@pytest.mark.parametrize("path", ["/", "/health", "/api/tasks", "/nope", "/static/app.js"])
def test_security_headers_are_on_every_answer(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "img-src 'self' data: blob:" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert len(headers["x-request-id"]) == 16


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:9", "LOCALHOST:80"])
def test_the_loopback_is_answered(client, host):
    assert client.get("/api/tasks", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "a@localhost.evil"])
def test_other_hosts_are_not(client, problem, host):
    response = client.get("/api/tasks", headers={"host": host})
    assert response.status_code == 421
    assert problem(response)["our"] == "unknown-host"


def test_a_configured_host_is_answered(make_client):
    client = make_client(hosts=["ward.example"])
    assert client.get("/api/tasks", headers={"host": "ward.example:8000"}).status_code == 200
    assert client.get("/api/tasks", headers={"host": "other.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_sites_may_not_post(client, problem, headers):
    response = client.post(f"/api/tasks/{TASK}/rollback", headers=headers)
    assert response.status_code == 403
    assert problem(response)["our"] == "cross-site"


def test_the_own_page_may_post(client, problem):
    headers = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    response = client.post(f"/api/tasks/{TASK}/rollback", headers=headers)
    assert problem(response)["our"] == "no-data-folder"


def test_answers_of_the_api_are_not_kept_and_files_of_the_page_are_checked(client):
    assert client.get("/api/tasks").headers["cache-control"] == "no-store"
    page = client.get("/static/app.js")
    assert page.headers["content-type"].startswith("text/javascript")
    again = client.get("/static/app.js", headers={"if-none-match": page.headers["etag"]})
    assert again.status_code == 304


def test_the_page_names_no_other_host(client):
    for name in ("/", "/static/app.js", "/static/style.css", "/static/text.js", "/static/result.js"):
        text = client.get(name).text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
