"""a realm without TLS was passed over"""


def authorize(session: Session, challenge: str) -> None:
    for scheme, fields in registry_challenges.parse(challenge):
        realm = fields.get("realm", "")
        if scheme == "basic" and session.login:
            session.header, session.expires = session.login.basic(), math.inf
            return
        if scheme == "bearer" and realm:
            if session.base.startswith("https:") and not realm.startswith("https:"):
                continue
            asked = [("service", fields["service"])] if "service" in fields else []
            asked += [("scope", scope) for scope in session.scopes]
            found = registry_challenges.ask_token(session, realm, asked)
            token = found.get("token") or found.get("access_token")
            if not isinstance(token, str):
                raise RegistryError(f"{session.base}: no token came from {realm!r:.200}")
            life = found.get("expires_in")
            life = max(life, TOKEN_LIFE) if isinstance(life, int) else TOKEN_LIFE
            session.header, session.expires = f"Bearer {token}", time.monotonic() + life
            return
    raise RegistryError(f"{session.base} does not let us in: {challenge!r:.200}")
