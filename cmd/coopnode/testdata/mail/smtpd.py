"""A mail server for the tests: aiosmtpd, of Debian's python3-aiosmtpd. It keeps each mail as a file and prints its port.

What is in the folder beside the mails says how it behaves: with a file "slow" it takes a minute for each mail, with
"full" it takes none now, and with "die" it keeps the next one and ends before it says so.
"""
import argparse, asyncio, os, ssl, time
from aiosmtpd.smtp import SMTP, AuthResult

opt = argparse.ArgumentParser()
opt.add_argument("folder")
opt.add_argument("--port", type=int, default=0)
opt.add_argument("--security", choices=["starttls", "tls", "none"], default="none")
opt.add_argument("--cert")
opt.add_argument("--key")
opt.add_argument("--user")
opt.add_argument("--password")
opt.add_argument("--only", default="", help="the one way to sign in that is left: PLAIN or LOGIN")
opt = opt.parse_args()


def told(name):
    return os.path.exists(os.path.join(opt.folder, name))


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = {"busy": "451 4.3.0 come again", "gone": "550 5.1.1 no such mailbox", "denied": "554 5.7.1 relay access denied"}
        if (refusal := answer.get(address.split("@")[0])):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        if told("slow"):
            await asyncio.sleep(60)
        if told("full"):
            return "452 4.3.1 no space left"
        name = os.path.join(opt.folder, "%d" % time.time_ns())
        head = "X-Envelope: %s %s\r\nX-Signed-In: %s\r\nX-Encrypted: %s\r\n" % (
            envelope.mail_from, " ".join(envelope.rcpt_tos), bool(session.authenticated), session.ssl is not None or opt.security == "tls")
        with open(name + ".part", "wb") as f:
            f.write(head.encode() + envelope.content)
        os.rename(name + ".part", name + ".eml")
        if told("die"):
            os._exit(9)
        return "250 2.0.0 taken"


def sign_in(server, session, envelope, mechanism, data):
    with open(os.path.join(opt.folder, "signed-in"), "a") as f:
        f.write("%s %s\n" % (mechanism, session.ssl is not None or opt.security == "tls"))
    return AuthResult(success=data.login == opt.user.encode() and data.password == opt.password.encode(), handled=False)


async def main():
    tls = None
    if opt.cert:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(opt.cert, opt.key)
    starttls = opt.security == "starttls"

    def serve():
        return SMTP(
            Handler(), hostname="localhost", tls_context=tls if starttls else None, require_starttls=starttls,
            authenticator=sign_in if opt.user else None, auth_required=bool(opt.user), auth_require_tls=starttls,
            auth_exclude_mechanism={"PLAIN", "LOGIN"} - {opt.only} if opt.only else set())

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", opt.port, ssl=tls if opt.security == "tls" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
