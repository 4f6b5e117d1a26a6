"""The settings of a shop that does not use the API."""

from tests import settings

globals().update({name: value for name, value in vars(settings).items() if name.isupper()})
del REST_FRAMEWORK  # noqa: F821
INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if not app.startswith("rest_framework")]
ROOT_URLCONF = "tests.services.site.urls"
