from django.urls import include, path

from tests.services.site import doors

urlpatterns = [
    path("payflow/", include("django_payflow.urls")),
    path("doors/ping/", doors.ping),
    path("doors/orders/", doors.orders),
    path("doors/sweep/", doors.sweep),
    path("doors/confirm/<int:pk>/", doors.confirm),
    path("doors/fulfil/<int:pk>/", doors.fulfil),
    path("doors/refund/<int:pk>/", doors.refund),
    path("doors/capture/<int:pk>/", doors.capture),
]
