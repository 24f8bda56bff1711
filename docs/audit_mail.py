"""Makes docs/audit-mail.png, and with --all pictures of every language, width and colour scheme under target/.

Needs chromium and, for Korean and Japanese, fonts-noto-cjk: `python3 docs/audit_mail.py [--all]`.
"""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAILS = ROOT / "target/audit-mail"
LIGHT, DARK = 1, 0  # Chromium's preferredColorScheme


def compose(language):
    """The team's mail in a language, as HTML."""
    folder = MAILS / language
    subprocess.run(
        ["cargo", "run", "--quiet", "--locked", "--example", "audit_mail", "--", language, str(folder)],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )
    return folder / json.loads((folder / "index.json").read_text())["mails"][0]["html"]


def picture(page, to, width, height, scheme):
    command = [
        os.environ.get("CHROMIUM", "chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={scheme}",
        f"--screenshot={to}", page.as_uri(),
    ]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=120)


def main():
    picture(compose("en"), ROOT / "docs/audit-mail.png", 1100, 985, LIGHT)
    if "--all" in sys.argv:
        for language in ("en", "ko", "ja"):
            page = compose(language)
            for width, height in ((1280, 1800), (390, 2800)):
                for name, scheme in (("light", LIGHT), ("dark", DARK)):
                    picture(page, MAILS / f"{language}-{width}-{name}.png", width, height, scheme)


main()
