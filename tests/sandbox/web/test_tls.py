"""Downloads over TLS: the connection is to an address, the certificate must still be the name's."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from loopback import answer, png

from llmi_sandbox.errors import ProviderError
from llmi_sandbox.web import DownloadLimits
from llmi_sandbox.web.download import Downloader
from llmi_sandbox.web.rate import Rates

x509 = pytest.importorskip("cryptography.x509")

NAME, OTHER = "pictures.test", "elsewhere.test"


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for `NAME`, and a client's that believes it."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    return serving, ssl.create_default_context(cadata=signed.public_bytes(serialization.Encoding.PEM).decode())


@asynccontextmanager
async def tls_server(context: ssl.SSLContext):
    """Yields the port, and the names that clients asked for as they said hello."""
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(png()))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def here(host: str):
    return [ip_address("127.0.0.1")]


async def test_the_certificate_is_checked_against_the_name(tmp_path):
    serving, believing = certificate(tmp_path)
    downloader = Downloader(DownloadLimits(), Rates({}), frozenset({NAME, OTHER}), here, believing)
    async with tls_server(serving) as (port, asked):
        assert (await downloader.fetch(f"https://{NAME}:{port}/x.png")).data == png()
        assert asked == [NAME]
        with pytest.raises(ProviderError, match="CERTIFICATE_VERIFY_FAILED"):
            await downloader.fetch(f"https://{OTHER}:{port}/x.png")
    await downloader.aclose()


async def test_a_stranger_is_not_believed(tmp_path):
    serving, _ = certificate(tmp_path)
    downloader = Downloader(DownloadLimits(), Rates({}), frozenset({NAME}), here, ssl.create_default_context())
    async with tls_server(serving) as (port, _):
        with pytest.raises(ProviderError, match="CERTIFICATE_VERIFY_FAILED"):
            await downloader.fetch(f"https://{NAME}:{port}/x.png")
    await downloader.aclose()
