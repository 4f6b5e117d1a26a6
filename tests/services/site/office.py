"""Settings of the shop with its back office: Django's admin for people and the API for programs, in every process.

Sessions are signed cookies, so that any process knows who is logged in.
"""

from tests.services.site import settings

globals().update({name: value for name, value in vars(settings).items() if name.isupper()})
INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.admin", "django.contrib.messages", "rest_framework"]
ROOT_URLCONF = "tests.services.site.office_urls"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"]}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    *settings.MIDDLEWARE,
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
_SEEN_BY_TEMPLATES = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
TEMPLATES = [{**each, "OPTIONS": {"context_processors": _SEEN_BY_TEMPLATES}} for each in settings.TEMPLATES]
