"""Include these under any prefix: ``path("payflow/", include("django_payflow.urls"))``."""

from django.urls import path

from . import views

app_name = "payflow"
urlpatterns = [
    path("start/<str:reference>/", views.start, name="start"),
    path("return/<str:token>/", views.return_, name="return"),
    path("status/<str:token>/", views.status, name="status"),
    path("webhook/<slug:account>/", views.webhook, name="webhook-account"),
    path("webhook/<slug:account>/<str:hint>/", views.webhook, name="webhook"),
]
