"""Addresses of the shop's pages."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "shop"

urlpatterns = [
    path("", views.catalogue, name="catalogue"),
    path("products/<slug:slug>/", views.product, name="product"),
    path("basket/", views.basket, name="basket"),
    path("basket/add/", views.basket_add, name="basket_add"),
    path("basket/change/", views.basket_change, name="basket_change"),
    path("basket/remove/", views.basket_remove, name="basket_remove"),
    path("checkout/", views.checkout, name="checkout"),
    path("orders/<slug:reference>/", views.order, name="order"),
    path("orders/<slug:reference>/pay/", views.pay, name="pay"),
    path("mailbox/", views.mailbox, name="mailbox"),
]
