from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("tests.services.site.urls")),
    path("api/", include("django_payflow.api.urls")),
    path("admin/", admin.site.urls),
]
