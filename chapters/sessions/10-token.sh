# A registry that believes only a token server; the server is forty lines of Python.
#: stage 10
#: needs distribution
#: varies [A-Za-z0-9_-]{20,}
#: varies \b1[0-9]{9}\b
#: varies "jti": "[^"]*"
#- alias jq="jq -M" curl="curl --no-styled-output"
#- mini-docker image bootstrap busybox; mini-docker tag busybox 127.0.0.1:5000/team/busybox
## certificate
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=tokens \
  -keyout tokens.key -out tokens.crt 2> /dev/null
## server
cat > tokens.py <<'EOT'
import base64, http.server, json, subprocess, time, urllib.parse
PASSWORDS = {"anna": "secret"}
CERTIFICATE = "".join(open("tokens.crt").read().split("\n")[1:-2])

def text(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        words = self.headers.get("Authorization", "Basic Og==").split()[1]
        user, _, password = base64.b64decode(words).decode().partition(":")
        known = user in PASSWORDS and PASSWORDS[user] == password
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        access = []
        for scope in query.get("scope", []):
            kind, name, actions = scope.split(":")
            may = [it for it in actions.split(",") if known or it == "pull"]
            access.append({"type": kind, "name": name, "actions": may})
        now = int(time.time())
        claims = {"iss": "tokens", "sub": user, "aud": "registry", "jti": str(now),
                  "nbf": now - 5, "exp": now + 300, "access": access}
        head = {"typ": "JWT", "alg": "RS256", "x5c": [CERTIFICATE]}
        signed = f"{text(head)}.{text(claims)}"
        sign = ["openssl", "dgst", "-sha256", "-sign", "tokens.key"]
        seal = subprocess.run(sign, input=signed.encode(), capture_output=True).stdout
        body = json.dumps({"token": f"{signed}.{text(seal)}", "expires_in": 300}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", 5050), Handler).serve_forever()
EOT
/usr/bin/python3 tokens.py &
## serve
cat > guarded.yml <<EOT
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: /root/store}}
http: {addr: "127.0.0.1:5000"}
auth:
  token: {realm: "http://127.0.0.1:5050/token", service: registry, issuer: tokens,
          rootcertbundle: tokens.crt}
EOT
docker-registry serve guarded.yml 2> log &
#- until curl -so /dev/null 127.0.0.1:5000/v2/ && curl -so /dev/null 127.0.0.1:5050; do sleep 0.1; done
#- printf secret | mini-docker login -u anna --password-stdin 127.0.0.1:5000 2>/dev/null
#- mini-docker push -q 127.0.0.1:5000/team/busybox; mini-docker logout 127.0.0.1:5000
## challenge
R=http://127.0.0.1:5000/v2
curl -si $R/team/busybox/tags/list | grep -iE 'http|authenticate'
## token
curl -s 'http://127.0.0.1:5050/token?service=registry&scope=repository:team/busybox:pull' > answer
cut -c 1-72 answer
token=$(jq -r .token answer)
curl -s -H "Authorization: Bearer $token" $R/team/busybox/tags/list
## claims
jq -R 'split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .access' <<< $token
## push
curl -si -X POST -H "Authorization: Bearer $token" $R/team/busybox/blobs/uploads/ |
  grep -iE 'http|authenticate'
## login
ask='http://127.0.0.1:5050/token?service=registry&scope=repository:team/busybox:pull,push'
token=$(curl -s -u anna:secret "$ask" | jq -r .token)
curl -si -X POST -H "Authorization: Bearer $token" $R/team/busybox/blobs/uploads/ | head -n 1
## end
kill %2; wait %2
kill %1; wait %1
