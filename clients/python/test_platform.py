"""The platform API through the SDK's own models: users, roles, scopes, apps and authorizations."""

import uuid

import countersign
from countersign import SdkTest, made, sdk, somebody_new


class Users(SdkTest):
    def setUp(self):
        self.users = sdk.UsersApi(countersign.service("Directory Sync"))

    def test_a_list_comes_in_pages(self):
        for _ in range(3):
            self.users.post_users(somebody_new())
        first, second = (self.users.get_users(page_size=2, page_number=number) for number in (1, 2))
        self.assertEqual((first.page_size, first.page_number, len(first.entities)), (2, 1, 2))
        self.assertGreaterEqual(first.total, 5)
        self.assertEqual(first.page_count, -(-first.total // 2))
        self.assertFalse({user.id for user in first.entities} & {user.id for user in second.entities})

    def test_a_user_is_found_by_the_beginning_of_the_name(self):
        new = self.users.post_users(somebody_new())
        query = made(sdk.UserSearchCriteria, type="STARTS_WITH", fields=["name"], value=new.name[:10])
        found = self.users.post_users_search(made(sdk.UserSearchRequest, query=[query], page_size=10))
        self.assertEqual((found.total, [user.id for user in found.results]), (1, [new.id]))

    def test_a_change_needs_the_version_it_is_made_from(self):
        new = self.users.post_users(somebody_new())
        changed = self.users.patch_user(new.id, made(sdk.UpdateUser, version=new.version, title="Engineer"))
        self.assertEqual((changed.title, changed.version), ("Engineer", new.version + 1))
        with self.refused(409):
            self.users.patch_user(new.id, made(sdk.UpdateUser, version=new.version, title="Manager"))
        self.assertEqual(self.users.get_user(new.id).title, "Engineer")

    def test_an_email_address_is_given_once(self):
        new = somebody_new()
        self.users.post_users(new)
        with self.refused(409, "general.conflict"):
            self.users.post_users(new)

    def test_a_deleted_user_is_not_listed(self):
        new = self.users.post_users(somebody_new())
        self.users.delete_user(new.id)
        self.assertNotIn(new.id, [user.id for user in self.users.get_users(page_size=100).entities])


class Roles(SdkTest):
    def setUp(self):
        api = countersign.service("Directory Sync")
        self.roles, self.users = sdk.AuthorizationApi(api), sdk.UsersApi(api)

    def role(self, *actions):
        policy = made(sdk.DomainPermissionPolicy, domain="directory", entity_name="user", action_set=list(actions))
        wanted = made(sdk.DomainOrganizationRoleCreate, name=f"Role {uuid.uuid4().hex[:8]}", permission_policies=[policy])
        return self.roles.post_authorization_roles(wanted)

    def test_a_role_is_created_changed_and_deleted(self):
        role = self.role("view")
        self.assertEqual(self.roles.get_authorization_role(role.id).name, role.name)
        policy = made(sdk.DomainPermissionPolicy, domain="directory", entity_name="user", action_set=["view", "edit"])
        change = made(sdk.DomainOrganizationRoleUpdate, id=role.id, name=role.name, description="edits", permission_policies=[policy])
        self.assertEqual(self.roles.put_authorization_role(role.id, change).description, "edits")
        actions = self.roles.get_authorization_role(role.id).permission_policies[0].action_set
        self.assertEqual(sorted(actions), ["edit", "view"])
        self.roles.delete_authorization_role(role.id)
        with self.refused(404):
            self.roles.get_authorization_role(role.id)

    def test_the_roles_of_the_organization_are_listed(self):
        names = [role.name for role in self.roles.get_authorization_roles(page_size=100).entities]
        self.assertIn("Administrator", names)
        self.assertIn("Employee", names)

    def test_a_role_is_given_to_a_user(self):
        role, user = self.role("view"), self.users.post_users(somebody_new())
        self.users.put_user_roles(user.id, [role.id])
        self.assertEqual([held.id for held in self.users.get_user_roles(user.id).roles], [role.id])

    def test_permissions_are_told_by_domain(self):
        domains = {entry.domain for entry in self.roles.get_authorization_permissions(page_size=100).entities}
        self.assertLessEqual({"directory", "authorization", "oauth"}, domains)

    def test_the_home_division_is_told(self):
        home = self.roles.get_authorization_divisions_home()
        self.assertEqual((home.name, home.home_division), ("Home", True))
        self.assertEqual({division.name for division in self.roles.get_authorization_divisions().entities}, {"Home", "Sales"})


class OAuth(SdkTest):
    def setUp(self):
        api = countersign.service("Directory Sync")
        self.oauth, self.tokens, self.roles = sdk.OAuthApi(api), sdk.TokensApi(api), sdk.AuthorizationApi(api)

    def test_scopes_are_listed_with_a_description(self):
        scopes = {scope.id: scope.description for scope in self.oauth.get_oauth_scopes().entities}
        self.assertLessEqual({"users", "users:readonly", "oauth", "user-basic-info"}, scopes.keys())
        self.assertTrue(all(scopes.values()), scopes)
        self.assertEqual(self.oauth.get_oauth_scope("users").description, scopes["users"])

    def test_the_apps_that_the_organization_authorized_are_listed(self):
        authorizations = {entry.client.name: entry for entry in self.oauth.get_oauth_authorizations().entities}
        self.assertEqual(authorizations["Directory Reader"].scope, ["users:readonly"])
        self.assertEqual(authorizations["Directory Reader"].state, "Authorized")

    def test_one_authorization_is_read(self):
        app = countersign.app("Browser App")
        authorization = self.oauth.get_oauth_authorization(app["id"])
        self.assertEqual((authorization.client.id, sorted(authorization.scope)), (app["id"], sorted(app["scopes"])))

    def test_an_app_is_registered_given_a_new_secret_and_removed(self):
        role = next(role for role in self.roles.get_authorization_roles().entities if role.name == "Employee")
        everywhere = made(sdk.RoleDivision, role_id=role.id, division_id="*")
        wanted = made(sdk.OAuthClientRequest, name="Report Writer", authorized_grant_type="CLIENT-CREDENTIALS", role_divisions=[everywhere])
        app = self.oauth.post_oauth_clients(wanted)
        self.assertTrue(app.secret)
        self.assertNotEqual(self.oauth.post_oauth_client_secret(app.id).secret, app.secret)
        wanted.state = "inactive"
        self.oauth.put_oauth_client(app.id, wanted)
        self.oauth.delete_oauth_client(app.id)
        with self.refused(404):
            self.oauth.get_oauth_client(app.id)

    def test_a_token_tells_its_organization_and_app(self):
        token = self.tokens.get_tokens_me()
        self.assertEqual((token.organization.name, token.o_auth_client.name), ("Acme Corp", "Directory Sync"))
        self.tokens.head_tokens_me()

    def test_what_an_app_called_is_asked_and_read(self):
        app = countersign.app("Directory Sync")
        self.oauth.get_oauth_scopes()
        asked = self.oauth.get_oauth_client_usage_summary(app["id"], days="1")
        result = self.oauth.get_oauth_client_usage_query_result(asked.execution_id, app["id"])
        self.assertEqual(result.query_status, "Complete")
        scopes = next(row for row in result.results if row.template_uri == "/api/v2/oauth/scopes")
        self.assertEqual((scopes.client_name, scopes.http_method), ("Directory Sync", "GET"))
        self.assertGreaterEqual(scopes.status200, 1)

        query = made(sdk.ApiUsageClientQuery, interval="2020-01-01T00:00:00/2020-01-08T00:00:00", granularity="Week", group_by=["TemplateUri"])
        asked = self.oauth.post_oauth_client_usage_query(app["id"], query)
        self.assertEqual(self.oauth.get_oauth_client_usage_query_result(asked.execution_id, app["id"]).results, [])
