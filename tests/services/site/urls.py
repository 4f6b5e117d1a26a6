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
    path("doors/carry/<int:pk>/", doors.carry),
    path("doors/cancel/<int:pk>/", doors.cancel),
    path("doors/atomic/", doors.atomic),
    path("doors/refund_and_raise/<int:pk>/", doors.refund_and_raise),
    path("doors/careless_refund/<int:pk>/", doors.careless_refund),
]
