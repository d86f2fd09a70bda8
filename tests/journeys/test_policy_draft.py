"""The way of a policy in the browser."""

from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.conftest import Portal
from tests.journeys.looking import look_around


def require_review(page: Page, *, wanted: bool) -> None:
    page.goto("/policies/publishing")
    page.locator("[name=needs_review]").set_checked(wanted)
    look_around(page, "publishing")
    steps.press(page, "Save")
    steps.wait_for(page, "Publishing settings saved.")


def assert_reviewed(page: Page, other_page: Page, portal: Portal) -> None:
    """A test is written, a review asked for, and a second person approves."""
    draft = page.url.partition("#")[0]
    require_review(page, wanted=True)
    page.goto(draft)
    page.get_by_role("link", name="Create test").click()
    steps.fill(page, name="Personal data passes", model="gpt-4o", operation="chat")
    steps.fill(page, metadata='{"contains_personal_data": true}')
    page.locator("[name=allowed]").select_option("true")
    look_around(page, "test of a policy")
    steps.press(page, "Create test")
    steps.wait_for(page, "The only test passes.")
    steps.press(page, "Request review")
    steps.wait_for(page, "Review requested.")
    steps.log_in(other_page, "ben@demo.example", portal.password)
    other_page.goto(draft)
    other_page.locator("[name=decision]").select_option("approved")
    steps.press(other_page, "Save decision")
    steps.wait_for(other_page, "Draft approved.")
    page.goto(draft)


def enforce_and_restore(page: Page) -> None:
    """The rule in shadow is enforced, and the version before comes back."""
    page.goto("/policies")
    expect(page.get_by_text("matched 1 of 1 decisions and would have blocked 1 that were allowed")).to_be_visible()
    look_around(page, "policies with a rule in shadow")
    page.goto("/policies/drafts")
    look_around(page, "drafts")
    page.goto("/policies")
    steps.press(page, "Enforce")
    page.get_by_role("dialog").get_by_role("button", name="Enforce").click()
    steps.wait_for(page, "is enforced as of version")
    page.goto("/policies/versions")
    steps.press(page, "Restore this version")
    page.get_by_role("dialog").get_by_role("button", name="Restore this version").click()
    steps.wait_for(page, "restored as version")


def declare_a_fail_mode(page: Page) -> None:
    page.goto("/policies/fail-modes/new")
    steps.fill(page, operations="chat, summarization")
    page.get_by_label("Allow, and report the decision later").check()
    steps.press(page, "Preview impact")
    look_around(page, "preview of a fail mode")
    steps.press(page, "Publish changes")
    steps.wait_for(page, "Changes published as version")
    expect(page.get_by_role("row", name="chat, summarization")).to_be_visible()
    look_around(page, "fail modes")


def see_the_drift(page: Page, portal: Portal) -> None:
    """Between what a pipeline pushed and what is in force."""
    page.goto("/keys/new?environment=live")
    steps.fill(page, name="Pipeline")
    page.locator("[name=scopes][value='policies:draft']").check()
    steps.press(page, "Create API key")
    secret = page.locator("#secret").inner_text()
    body = {"policies": {"max_risk_score": 40, "denied_operations": []}}
    answer = page.request.put(f"{portal.url}/v1/policy/file", data=body, headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 200
    page.goto("/policies")
    page.get_by_role("link", name="See the differences").click()
    expect(page.get_by_text("Block at score: changed from 40 to 50.")).to_be_visible()
    look_around(page, "drift")


def test_a_draft_is_reviewed_published_promoted_and_restored(page: Page, other_page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    secret = steps.make_key(page, "Drafts", "test")
    assert steps.check(portal.url, secret, contains_personal_data=True, department="hr").status == 200

    page.goto("/policies/drafts")
    steps.fill(page, name="Pilot of HR", note="Personal data may be used; HR asks first.")
    steps.press(page, "Create draft")
    expect(page.get_by_role("heading", name="Pilot of HR")).to_be_visible()
    page.get_by_role("link", name="Edit settings").click()
    page.locator("[name=block_personal_data]").uncheck()
    look_around(page, "settings of a draft")
    steps.press(page, "Save")
    page.get_by_role("link", name="Create rule").click()
    steps.fill(page, code="hr_asks", message="HR asks first.", fix="Ask HR.")
    page.get_by_label("Fact of condition 1").select_option("data_classification")
    expect(page.get_by_text("data_classification can be public")).to_be_visible()
    page.get_by_label("Fact of condition 1").select_option("department")
    expect(page.locator("datalist#values-department option[value=hr]")).to_have_count(1)
    page.get_by_label("Value of condition 1").fill("hr")
    page.get_by_role("button", name="Edit as CEL expression").click()
    expect(page.locator("[name=all]")).to_have_value('department == "hr"')
    page.get_by_role("button", name="Edit in the builder").click()
    expect(page.get_by_label("Value of condition 1")).to_have_value("hr")
    look_around(page, "rule in the builder")
    page.locator("[name=on_missing]").select_option("skip")
    steps.press(page, "Create rule")
    steps.press(page, "Analyze impact")
    expect(page.get_by_text("Download the differing decisions")).to_be_visible(timeout=30_000)
    look_around(page, "analyzed draft")
    page.locator("main").get_by_role("link", name="Truth map").click()
    page.get_by_label("Treat rules in shadow or with a percentage as enforced").check()
    steps.press(page, "Show this map")
    page.locator("[name='fact.department']").select_option("all")
    steps.press(page, "Show this map")
    expect(page.get_by_role("row", name="blocked hr_asks").first).to_be_visible()
    look_around(page, "truth map")
    page.get_by_role("link", name="Back to draft").click()
    assert_reviewed(page, other_page, portal)

    steps.press(page, "Publish to test keys")
    steps.wait_for(page, "Draft published to test keys")
    assert steps.check(portal.url, secret, contains_personal_data=True, department="hr").body["allowed"]
    steps.press(page, "Promote to live")
    page.get_by_role("dialog").get_by_role("button", name="Promote to live").click()
    steps.wait_for(page, "Draft published as version")
    require_review(page, wanted=False)
    assert steps.check(portal.url, secret, contains_personal_data=True, department="hr").status == 200
    enforce_and_restore(page)


def test_a_fail_mode_is_declared_and_drift_from_a_file_is_shown(page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    declare_a_fail_mode(page)
    see_the_drift(page, portal)
