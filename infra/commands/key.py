"""The commands of keys and signatures: key new, key public, key trust, and sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handler.bundle.contract import SIGNATURE
from handler.bundle.signature import PublicKey, Trust
from infra.commands.options import KmsOption, PemOption
from infra.console import err, out, plain_errors
from infra.errors import ConfigError
from infra.registry import bundle_folder, references
from infra.signing import keys, signer

key_app = typer.Typer(no_args_is_help=True, add_completion=False, help="Keys that sign bundles, and whom to trust.")

PublicOption = Annotated[
    list[Path] | None, typer.Option("--public", help="A public key in PEM. May be given more than once.")
]


@key_app.command("new")
@plain_errors()
def new(folder: Annotated[Path, typer.Argument(help="The folder for key.pem and public.pem.")]) -> None:
    """Make a key. Whoever has key.pem can sign: keep it out of any repository, or use a key in KMS instead."""
    private = folder / keys.PRIVATE_FILE
    made = keys.new_key(private, keys.password())
    (folder / keys.PUBLIC_FILE).write_bytes(keys.public_pem(made.public))
    out.print(f"Key {made.public.key_id} is in {private}, its public half in {folder / keys.PUBLIC_FILE}.")
    if keys.password() is None:
        err.print(f"It has no password: {keys.PASSWORD_VARIABLE} was not set.", markup=False)


@key_app.command("public")
@plain_errors()
def public(pem: PemOption = None, kms: KmsOption = None) -> None:
    """Print the public half of a key as PEM; its id goes to standard error."""
    found = signer.needed_signer(pem, kms).public
    err.print(f"key {found.key_id}", markup=False)
    typer.echo(keys.public_pem(found).decode(), nl=False)


@key_app.command("trust")
@plain_errors()
def trust(
    model: Annotated[str, typer.Argument(metavar="NAME", help="The model whose bundles may be signed so.")],
    pem: PemOption = None,
    kms: KmsOption = None,
    public: PublicOption = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="Write here; else it is printed.")] = None,
    add: Annotated[bool, typer.Option("--add", help="Keep the keys that --out trusts already.")] = False,
) -> None:
    """Write a trust file: whose signatures count for one model. The image is built with it."""
    name = references.reference(model).name
    trusted = [_read_public(path) for path in public or ()]
    if pem or kms or not trusted:
        trusted.insert(0, signer.needed_signer(pem, kms).public)
    if add and out_file is None:
        raise ConfigError("--add adds to the trust file that --out names. Name it.")
    kept = keys.read_trust(out_file, name).keys if add and out_file else ()
    made = Trust(name, tuple({one.key_id: one for one in (*kept, *trusted)}.values()))
    if out_file is None:
        typer.echo(keys.trust_text(made).decode(), nl=False)
    else:
        out_file.write_bytes(keys.trust_text(made))
        out.print(f"{out_file} trusts {', '.join(key.key_id for key in made.keys)} for {name}.", markup=False)


def sign(
    bundle: Annotated[Path, typer.Argument(help="Folder of a sealed bundle.")],
    pem: PemOption = None,
    kms: KmsOption = None,
) -> None:
    """Sign a sealed bundle where it lies, without a registry: writes manifest.sig beside its manifest."""
    key = signer.needed_signer(pem, kms)
    _, text = bundle_folder.read(bundle)
    signer.sign_folder(bundle, text, key)
    out.print(f"{bundle / SIGNATURE} is by key {key.public.key_id}.", markup=False)


def _read_public(path: Path) -> PublicKey:
    try:
        return keys.public_key(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}). `limbeck key public` writes one.") from None
