"""Operations of `identity`.

Generated from the OpenAPI document by `npm run docs`; do not edit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, NotRequired, TypedDict, cast

from soma.clients.transport import Request, Transport, in_path


class Tenant(TypedDict):
    tenantId: str
    slug: str
    displayName: str
    status: Literal["active", "suspended", "deleting", "deleted"]
    region: str
    version: int
    createdAt: str


class Principal(TypedDict):
    principalId: str
    spaceId: str
    kind: Literal["user", "agent", "service", "guest"]
    status: Literal["active", "disabled", "erased"]
    displayName: str
    email: str | None
    ownerId: str | None
    roles: list[str]
    epoch: int
    expiresAt: str | None
    createdAt: str
    version: int


class Me(TypedDict):
    tenantId: str
    spaceId: str
    principalId: str
    kind: Literal["user", "agent", "service", "guest"]
    roles: list[str]
    capabilities: list[str]
    userId: str | None
    method: str
    credentialId: str | None


class AccessThroughItem(TypedDict):
    roleId: str
    bindingId: str
    scope: Literal["tenant"]


class Access(TypedDict):
    held: bool
    through: list[AccessThroughItem]
    missing: NotRequired[str]


class Role(TypedDict):
    roleId: str
    name: str
    capabilities: list[str]
    builtIn: bool
    version: int


class Key(TypedDict):
    keyId: str
    principalId: str
    name: str
    scopes: list[str]
    status: Literal["active", "revoked"]
    expiresAt: str
    previousUntil: str | None
    lastUsedAt: str | None
    createdAt: str
    version: int


class BootstrapKey(TypedDict):
    keyId: str
    principalId: str
    name: str
    scopes: list[str]
    status: Literal["active", "revoked"]
    expiresAt: str
    previousUntil: str | None
    lastUsedAt: str | None
    createdAt: str
    version: int
    secret: str


class Bootstrap(TypedDict):
    tenant: Tenant
    principal: Principal
    key: BootstrapKey
    platformPrincipal: Principal
    platformKey: BootstrapKey


class Tenant2(TypedDict):
    tenant: Tenant
    admin: Principal
    adminKey: BootstrapKey


class RoleBinding(TypedDict):
    bindingId: str
    principalId: str
    roleId: str
    roleName: str
    scope: Literal["tenant"]
    expiresAt: str | None
    createdAt: str


class Token(TypedDict):
    accessToken: str
    tokenType: Literal["Bearer"]
    expiresAt: str
    jti: str


class DialectToken(TypedDict):
    token: str


class BootstrapCreateBodyTenant(TypedDict):
    slug: str
    displayName: str
    region: NotRequired[str]


class BootstrapCreateBody(TypedDict):
    setupCode: str
    email: str
    tenant: BootstrapCreateBodyTenant


class TenantsCreateBodyAdmin(TypedDict):
    email: str


class TenantsCreateBody(TypedDict):
    slug: str
    displayName: str
    region: NotRequired[str]
    admin: TenantsCreateBodyAdmin


class TenantsListAnswer(TypedDict):
    items: list[Tenant]
    nextCursor: str | None


class TenantsUpdateBody(TypedDict):
    displayName: str


class PrincipalsCreateBody(TypedDict):
    kind: Literal["user", "agent", "service"]
    displayName: str
    email: NotRequired[str]
    ownerId: NotRequired[str]
    spaceId: NotRequired[str]
    roles: NotRequired[list[str]]
    expiresAt: NotRequired[str]


class PrincipalsListAnswer(TypedDict):
    items: list[Principal]
    nextCursor: str | None


class PrincipalsUpdateBody(TypedDict):
    displayName: NotRequired[str]
    email: NotRequired[str | None]
    expiresAt: NotRequired[str | None]


class PrincipalsDisableBody(TypedDict):
    reason: NotRequired[str]


class RolesCreateBody(TypedDict):
    name: str
    capabilities: list[str]


class RolesListAnswer(TypedDict):
    items: list[Role]
    nextCursor: None


class RoleBindingsCreateBody(TypedDict):
    principalId: str
    roleId: str
    scope: NotRequired[Literal["tenant"]]
    expiresAt: NotRequired[str]


class RoleBindingsListAnswer(TypedDict):
    items: list[RoleBinding]
    nextCursor: str | None


class KeysCreateBody(TypedDict):
    principalId: NotRequired[str]
    name: str
    scopes: list[str]
    expiresAt: NotRequired[str]


class KeysListAnswer(TypedDict):
    items: list[Key]
    nextCursor: str | None


class KeysRotateBody(TypedDict):
    overlapMs: NotRequired[int]


class TokensCreateBody(TypedDict):
    scopes: NotRequired[list[str]]
    ttlMs: NotRequired[int]


class SigningKeysListAnswerItemsItem(TypedDict):
    signingKeyId: str
    kid: str
    algorithm: Literal["EdDSA"]
    purpose: Literal["access"]
    status: Literal["next", "active", "retiring", "retired"]
    createdAt: str
    activeAt: str
    retiredAt: str | None


class SigningKeysListAnswer(TypedDict):
    items: list[SigningKeysListAnswerItemsItem]
    nextCursor: None


class SigningKeysRotateBody(TypedDict):
    emergency: NotRequired[bool]


class RevocationsListAnswerItemsItem(TypedDict):
    seq: int
    tenantId: str
    kind: Literal["key", "principal", "token", "binding", "signing-key"]
    id: str
    at: str


class RevocationsListAnswer(TypedDict):
    items: list[RevocationsListAnswerItemsItem]
    head: int


class ProcessesJoinBody(TypedDict):
    processId: str
    modules: list[str]
    publicJwk: dict[str, Any]
    issuedAtSeconds: int
    proof: str


class ProcessesJoinAnswer(TypedDict):
    processId: str
    modules: list[str]
    publicJwk: dict[str, Any]
    joinedAt: str
    seenAt: str


class ProcessesListAnswer(TypedDict):
    items: list[ProcessesJoinAnswer]
    nextCursor: None


class CredentialsVerifyBody(TypedDict):
    authorization: NotRequired[str]
    tenantHeader: NotRequired[str]
    userHeader: NotRequired[str]
    spaceHeader: NotRequired[str]
    remoteAddress: str
    host: NotRequired[str]
    origin: NotRequired[str]
    userAgent: NotRequired[str]
    operation: NotRequired[str]


class CredentialsVerifyAnswerPrincipal(TypedDict):
    id: str
    kind: Literal["user", "agent", "service", "guest"]
    roles: list[str]
    capabilities: list[str]


class CredentialsVerifyAnswer(TypedDict):
    tenantId: str
    spaceId: str
    principal: CredentialsVerifyAnswerPrincipal
    userId: NotRequired[str]
    actors: list[str]
    method: Literal["api-key", "token", "developer", "none"]
    credentialId: NotRequired[str]
    authenticatedAt: str
    region: str
    constitutionHash: str


class CredentialsResolveBody(TypedDict):
    principalId: str


class CredentialsResolveAnswer(TypedDict):
    principalId: str
    kind: Literal["user", "agent", "service", "guest"]
    roles: list[str]
    capabilities: list[str]


class MetadataJwksAnswer(TypedDict):
    keys: list[dict[str, Any]]


class DialectTokensCreateBody(TypedDict):
    claims: dict[str, Any]


class DialectPrincipalsEnsureBody(TypedDict):
    principalId: str
    kind: Literal["user", "agent", "service"]
    displayName: str
    role: RolesCreateBody
    makesTenant: NotRequired[bool]


class BootstrapOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: BootstrapCreateBody,
        idempotency_key: str | None = None,
    ) -> Bootstrap:
        """Uses up the setup code: makes PlatformAdmin and the first tenant with its AgentAdmin."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/identity/bootstrap",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Bootstrap, answer)


class TenantsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: TenantsCreateBody,
        idempotency_key: str | None = None,
    ) -> Tenant2:
        """Makes a tenant with its first AgentAdmin."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/identity/tenants",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Tenant2, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> TenantsListAnswer:
        """Lists tenants: all with `tenant:manage`, else the own one."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/identity/tenants",
            query={
                "limit": limit,
                "cursor": cursor,
            },
        ))
        return cast(TenantsListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
    ) -> AsyncIterator[Tenant]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        tenant_id: str,
    ) -> Tenant:
        """Reads a tenant; another than the own one needs `tenant:manage`."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/identity/tenants/{in_path(tenant_id)}",
        ))
        return cast(Tenant, answer)

    async def update(
        self,
        tenant_id: str,
        *,
        body: TenantsUpdateBody,
        if_match: int | str,
    ) -> Tenant:
        """Changes the display name of a tenant; another than the own one needs `tenant:manage`."""
        answer = await self._transport.call(Request(
            "PATCH",
            f"/v1/identity/tenants/{in_path(tenant_id)}",
            headers={
                "if-match": if_match,
            },
            body=body,
        ))
        return cast(Tenant, answer)


class PrincipalsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: PrincipalsCreateBody,
        idempotency_key: str | None = None,
    ) -> Principal:
        """Makes a user, agent or service. Without roles it may do nothing."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/identity/principals",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Principal, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        kind: Literal["user", "agent", "service", "guest"] | None = None,
        status: Literal["active", "disabled", "erased"] | None = None,
    ) -> PrincipalsListAnswer:
        """Lists principals, newest first."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/identity/principals",
            query={
                "limit": limit,
                "cursor": cursor,
                "kind": kind,
                "status": status,
            },
        ))
        return cast(PrincipalsListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        kind: Literal["user", "agent", "service", "guest"] | None = None,
        status: Literal["active", "disabled", "erased"] | None = None,
    ) -> AsyncIterator[Principal]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, kind=kind, status=status, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        principal_id: str,
    ) -> Principal:
        """Reads a principal."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/identity/principals/{in_path(principal_id)}",
        ))
        return cast(Principal, answer)

    async def update(
        self,
        principal_id: str,
        *,
        body: PrincipalsUpdateBody,
        if_match: int | str,
    ) -> Principal:
        """Changes the name, address or expiry of a principal."""
        answer = await self._transport.call(Request(
            "PATCH",
            f"/v1/identity/principals/{in_path(principal_id)}",
            headers={
                "if-match": if_match,
            },
            body=body,
        ))
        return cast(Principal, answer)

    async def disable(
        self,
        principal_id: str,
        *,
        body: PrincipalsDisableBody,
        idempotency_key: str | None = None,
    ) -> Principal:
        """Refuses all its credentials at once."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/identity/principals/{in_path(principal_id)}/disable",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Principal, answer)

    async def enable(
        self,
        principal_id: str,
        *,
        body: PrincipalsDisableBody,
        idempotency_key: str | None = None,
    ) -> Principal:
        """Accepts its credentials again; tokens from before stay refused."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/identity/principals/{in_path(principal_id)}/enable",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Principal, answer)


class MeOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
    ) -> Me:
        """Who am I, in which tenant, with which rights?"""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/identity/me",
        ))
        return cast(Me, answer)


class AccessOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
        *,
        capability: str,
        principal_id: str | None = None,
    ) -> Access:
        """Does a principal hold a capability, and through which role? About others it needs `role:read`."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/identity/access",
            query={
                "principalId": principal_id,
                "capability": capability,
            },
        ))
        return cast(Access, answer)


class RolesOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: RolesCreateBody,
        idempotency_key: str | None = None,
    ) -> Role:
        """Makes a role of the tenant. Nobody puts into it what they do not hold."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/identity/roles",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Role, answer)

    async def list(
        self,
    ) -> RolesListAnswer:
        """Lists built-in roles and the tenant's own."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/identity/roles",
        ))
        return cast(RolesListAnswer, answer)

    async def get(
        self,
        role_id: str,
    ) -> Role:
        """Reads a role."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/identity/roles/{in_path(role_id)}",
        ))
        return cast(Role, answer)

    async def delete(
        self,
        role_id: str,
        *,
        if_match: int | str,
    ) -> None:
        """Deletes one of the tenant's roles and its bindings."""
        await self._transport.call(Request(
            "DELETE",
            f"/v1/identity/roles/{in_path(role_id)}",
            headers={
                "if-match": if_match,
            },
        ))


class RoleBindingsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: RoleBindingsCreateBody,
        idempotency_key: str | None = None,
    ) -> RoleBinding:
        """Gives a role to a principal."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/identity/role-bindings",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(RoleBinding, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        principal_id: str | None = None,
    ) -> RoleBindingsListAnswer:
        """Lists who holds which role."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/identity/role-bindings",
            query={
                "limit": limit,
                "cursor": cursor,
                "principalId": principal_id,
            },
        ))
        return cast(RoleBindingsListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        principal_id: str | None = None,
    ) -> AsyncIterator[RoleBinding]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, principal_id=principal_id, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def delete(
        self,
        binding_id: str,
    ) -> None:
        """Takes a role away; tokens made before are refused."""
        await self._transport.call(Request(
            "DELETE",
            f"/v1/identity/role-bindings/{in_path(binding_id)}",
        ))


class KeysOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: KeysCreateBody,
        idempotency_key: str | None = None,
    ) -> BootstrapKey:
        """Makes an API key. Its secret is in this answer alone."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/identity/keys",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(BootstrapKey, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        principal_id: str | None = None,
    ) -> KeysListAnswer:
        """Lists API keys: all with `key:manage`, else the own ones."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/identity/keys",
            query={
                "limit": limit,
                "cursor": cursor,
                "principalId": principal_id,
            },
        ))
        return cast(KeysListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        principal_id: str | None = None,
    ) -> AsyncIterator[Key]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, principal_id=principal_id, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        key_id: str,
    ) -> Key:
        """Reads an API key, without its secret."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/identity/keys/{in_path(key_id)}",
        ))
        return cast(Key, answer)

    async def revoke(
        self,
        key_id: str,
    ) -> None:
        """Refuses the key from now on."""
        await self._transport.call(Request(
            "DELETE",
            f"/v1/identity/keys/{in_path(key_id)}",
        ))

    async def rotate(
        self,
        key_id: str,
        *,
        body: KeysRotateBody,
        idempotency_key: str | None = None,
    ) -> BootstrapKey:
        """Gives the key a second secret; the first one is accepted for the overlap."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/identity/keys/{in_path(key_id)}/rotate",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(BootstrapKey, answer)


class TokensOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: TokensCreateBody,
        idempotency_key: str | None = None,
    ) -> Token:
        """Makes a short-lived access token for the caller's own principal."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/identity/tokens",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Token, answer)

    async def revoke(
        self,
        *,
        body: DialectToken,
        idempotency_key: str | None = None,
    ) -> None:
        """Refuses a token by its jti. One's own need nothing more; others need `principal:manage`."""
        await self._transport.call(Request(
            "POST",
            "/v1/identity/tokens/revoke",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))


class SigningKeysOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
    ) -> SigningKeysListAnswer:
        """Lists the signing keys of the installation."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/identity/signing-keys",
        ))
        return cast(SigningKeysListAnswer, answer)

    async def rotate(
        self,
        *,
        body: SigningKeysRotateBody,
        idempotency_key: str | None = None,
    ) -> SigningKeysListAnswerItemsItem:
        """Publishes a new key, which signs after the lead; in an emergency at once, and the old ones die."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/identity/signing-keys/rotate",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(SigningKeysListAnswerItemsItem, answer)


class RevocationsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        since: int | None = None,
    ) -> RevocationsListAnswer:
        """What was revoked since a sequence number, for verifiers in other processes."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/identity/revocations",
            query={
                "since": since,
            },
        ))
        return cast(RevocationsListAnswer, answer)


class ProcessesOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def join(
        self,
        *,
        body: ProcessesJoinBody,
        idempotency_key: str | None = None,
    ) -> ProcessesJoinAnswer:
        """Registers the key with which a process signs its context tokens; the cluster secret proves it."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/identity/processes",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(ProcessesJoinAnswer, answer)

    async def list(
        self,
    ) -> ProcessesListAnswer:
        """The processes whose context tokens are accepted."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/identity/processes",
        ))
        return cast(ProcessesListAnswer, answer)


class CredentialsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def verify(
        self,
        *,
        body: CredentialsVerifyBody,
        idempotency_key: str | None = None,
    ) -> CredentialsVerifyAnswer:
        """Proves the author of a request. Answers 401 with one text for every reason."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/identity/credentials/verify",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(CredentialsVerifyAnswer, answer)

    async def resolve(
        self,
        *,
        body: CredentialsResolveBody,
        idempotency_key: str | None = None,
    ) -> CredentialsResolveAnswer:
        """What a principal of the caller's tenant holds now: whoever acts for it holds no more (IDN-R38)."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/identity/credentials/resolve",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(CredentialsResolveAnswer, answer)


class MetadataOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def jwks(
        self,
    ) -> MetadataJwksAnswer:
        """The public keys that verify access tokens (RFC 7517). Cacheable for 5 minutes."""
        answer = await self._transport.call(Request(
            "GET",
            "/.well-known/jwks.json",
        ))
        return cast(MetadataJwksAnswer, answer)


class DialectTokensOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        dialect: Literal["soorma"],
        *,
        body: DialectTokensCreateBody,
        idempotency_key: str | None = None,
    ) -> DialectToken:
        """Signs the claims of a dialect's token with RS256; what they say, and for how long, its edge answers for."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/identity/dialects/{in_path(dialect)}/tokens",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(DialectToken, answer)


class DialectKeysOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        dialect: Literal["soorma"],
    ) -> MetadataJwksAnswer:
        """The public keys that verify a dialect's tokens. The first is made when they are first asked for."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/identity/dialects/{in_path(dialect)}/keys",
        ))
        return cast(MetadataJwksAnswer, answer)


class DialectPrincipalsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def ensure(
        self,
        dialect: Literal["soorma"],
        *,
        body: DialectPrincipalsEnsureBody,
        idempotency_key: str | None = None,
    ) -> CredentialsResolveAnswer:
        """Answers a principal that a trusted issuer of the dialect names, and makes it in the caller's tenant when it is seen first. What exists stays as it is."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/identity/dialects/{in_path(dialect)}/principals",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(CredentialsResolveAnswer, answer)


class IdentityClient:
    """Every operation of `identity`."""

    def __init__(self, transport: Transport) -> None:
        self.bootstrap = BootstrapOperations(transport)
        self.tenants = TenantsOperations(transport)
        self.principals = PrincipalsOperations(transport)
        self.me = MeOperations(transport)
        self.access = AccessOperations(transport)
        self.roles = RolesOperations(transport)
        self.role_bindings = RoleBindingsOperations(transport)
        self.keys = KeysOperations(transport)
        self.tokens = TokensOperations(transport)
        self.signing_keys = SigningKeysOperations(transport)
        self.revocations = RevocationsOperations(transport)
        self.processes = ProcessesOperations(transport)
        self.credentials = CredentialsOperations(transport)
        self.metadata = MetadataOperations(transport)
        self.dialect_tokens = DialectTokensOperations(transport)
        self.dialect_keys = DialectKeysOperations(transport)
        self.dialect_principals = DialectPrincipalsOperations(transport)
