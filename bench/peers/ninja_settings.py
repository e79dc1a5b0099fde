"""The settings of the Django Ninja peer."""

import os
from urllib.parse import parse_qs, urlsplit

parts = urlsplit(os.environ["DATABASE_URL"])

SECRET_KEY = os.environ["JWT_SECRET"]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bench.peers.ninja_app"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path[1:],
        "USER": parts.username,
        "HOST": parse_qs(parts.query).get("host", [parts.hostname])[0],
        "PORT": parts.port or "",
        "OPTIONS": {"pool": {"min_size": 16, "max_size": 16}},
    }
}
