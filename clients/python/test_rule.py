"""The rule, as an app meets it: its scopes and its user's permissions must both allow the call."""

import json

import countersign
from countersign import SdkTest, sdk, somebody_new


class BothHalves(SdkTest):
    def test_post_users_is_allowed_when_the_app_has_the_scope_and_the_user_the_permission(self):
        new = somebody_new()
        created = sdk.UsersApi(countersign.portal("ada@acme.test")).post_users(new)
        self.assertEqual((created.name, created.email, created.state, created.version), (new.name, new.email, "active", 1))

    def test_post_users_is_allowed_to_a_service_with_scope_and_role(self):
        self.assertTrue(sdk.UsersApi(countersign.service("Directory Sync")).post_users(somebody_new()).id)

    def test_post_users_is_denied_to_an_app_without_the_scope(self):
        users = sdk.UsersApi(countersign.service("Directory Reader"))
        with self.refused(403, "app.not.authorized.for.scope", "App not authorized to use scope [users]"):
            users.post_users(somebody_new())

    def test_post_users_is_denied_to_a_user_without_the_permission(self):
        users = sdk.UsersApi(countersign.portal("ben@acme.test"))
        with self.refused(403, "missing.any.permissions") as refusal:
            users.post_users(somebody_new())
        self.assertIn("[directory:user:add]", json.loads(refusal.exception.body)["message"])

    def test_post_users_is_denied_to_a_service_without_a_role(self):
        users = sdk.UsersApi(countersign.service("Roleless Service"))
        with self.refused(403, "missing.any.permissions") as refusal:
            users.post_users(somebody_new())
        self.assertIn("[directory:user:add]", json.loads(refusal.exception.body)["message"])

    def test_a_denial_names_the_missing_half(self):
        users = sdk.UsersApi(countersign.service("Directory Reader"))
        with self.refused(403) as refusal:
            users.post_users(somebody_new())
        self.assertEqual(json.loads(refusal.exception.body)["missing"], {"scopes_any_of": [["users"]]})

    def test_an_app_with_the_reading_scope_reads(self):
        listing = sdk.UsersApi(countersign.service("Directory Reader")).get_users()
        self.assertIn("ada@acme.test", [user.email for user in listing.entities])

    def test_a_role_taken_away_is_gone_on_the_next_call(self):
        users = sdk.UsersApi(countersign.portal("cleo@acme.test"))
        cleo = users.get_users_me()
        users.post_users(somebody_new())
        sdk.UsersApi(countersign.service("Directory Sync")).put_user_roles(cleo.id, [])
        with self.refused(403, "missing.any.permissions"):
            users.post_users(somebody_new())


class OrganizationWall(SdkTest):
    def test_a_user_of_another_organization_is_unknown(self):
        theirs = sdk.UsersApi(countersign.service("Globex Reader")).get_users().entities[0]
        with self.refused(404):
            sdk.UsersApi(countersign.service("Directory Sync")).get_user(theirs.id)
