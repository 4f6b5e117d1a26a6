"""Include these under any prefix: ``path("payflow/", include("django_payflow.urls"))``."""

from django.urls import path

from . import views

app_name = "payflow"
urlpatterns = [
    path("start/<slug:reference>/", views.start, name="start"),
    path("pay/<str:token>/", views.pay, name="pay"),
    path("return/<slug:token>/", views.return_, name="return"),
    path("status/<slug:token>/", views.status, name="status"),
    path("webhook/<slug:account>/", views.webhook, name="webhook-account"),
    path("webhook/<slug:account>/<slug:hint>/", views.webhook, name="webhook"),
]
