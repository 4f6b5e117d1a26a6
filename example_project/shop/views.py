"""The shop's pages. Paying itself is django-payflow's: the pay form posts to ``payflow:start``."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from django_payflow import flow
from django_payflow.models import Order

from .basket import MAX_QUANTITY, Basket, total
from .checkout import place_order, placed_order, remember, remembered
from .forms import CheckoutForm, ProductForm, QuantityForm
from .models import Mail, Product
from .order_page import OrderPage, masked


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Show the shelves."""
    products = Product.objects.filter(available=True)
    shelves = [(kind, [p for p in products if p.kind == kind]) for kind in Product.Kind]
    return render(request, "shop/catalogue.html", {"shelves": [shelf for shelf in shelves if shelf[1]]})


@require_safe
def product(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one product."""
    found = get_object_or_404(Product, slug=slug, available=True)
    form = QuantityForm(initial={"product": found})
    return render(request, "shop/product.html", {"product": found, "form": form})


@never_cache
@require_safe
def basket(request: HttpRequest) -> HttpResponse:
    """Show what is in the basket, at the prices of now."""
    lines = Basket(request.session).lines()
    context = {"lines": lines, "total": total(lines), "max_quantity": MAX_QUANTITY}
    return render(request, "shop/basket.html", context | {"earlier_orders": remembered(request.session)})


@require_POST
def basket_add(request: HttpRequest) -> HttpResponse:
    """Put a product into the basket."""
    form = QuantityForm(request.POST)
    if not form.is_valid():
        return _refuse(request, form)
    chosen: Product = form.cleaned_data["product"]
    Basket(request.session).add(chosen, form.cleaned_data["quantity"])
    messages.success(request, f"{chosen.name} is in your basket.")
    return redirect("shop:basket")


@require_POST
def basket_change(request: HttpRequest) -> HttpResponse:
    """Set how many pieces of a product the buyer wants."""
    form = QuantityForm(request.POST)
    if not form.is_valid():
        return _refuse(request, form)
    Basket(request.session).change(form.cleaned_data["product"], form.cleaned_data["quantity"])
    return redirect("shop:basket")


@require_POST
def basket_remove(request: HttpRequest) -> HttpResponse:
    """Take a product out of the basket."""
    form = ProductForm(request.POST)
    if form.is_valid():
        Basket(request.session).remove(form.cleaned_data["product"])
    return redirect("shop:basket")


@never_cache
def checkout(request: HttpRequest) -> HttpResponse:
    """Ask who the buyer is; then the basket becomes an order, once."""
    basket = Basket(request.session)
    if request.method == "POST":
        return _checkout_posted(request, basket, CheckoutForm(request.POST))
    if not basket.lines():
        return redirect("shop:basket")
    return _checkout_page(request, basket, CheckoutForm(initial={"token": basket.token}))


def _checkout_posted(request: HttpRequest, basket: Basket, form: CheckoutForm) -> HttpResponse:
    valid, lines = form.is_valid(), basket.lines()
    token = form.cleaned_data.get("token", "")
    if (earlier := _own_order(request, token)) is not None:
        return redirect("shop:pay", earlier.reference)
    if not lines:
        return redirect("shop:basket")
    if token != basket.token:
        messages.warning(request, "Your basket has changed. Please look at it once more.")
        return redirect("shop:checkout")
    if not valid:
        return _checkout_page(request, basket, form)
    name, email = form.cleaned_data["name"], form.cleaned_data["email"]
    order = place_order(token=token, lines=lines, name=name, email=email, payment_details=form.payment_details)
    basket.clear()
    remember(request.session, order)
    return redirect("shop:pay", order.reference)


def _checkout_page(request: HttpRequest, basket: Basket, form: CheckoutForm) -> HttpResponse:
    lines = basket.lines()
    return render(request, "shop/checkout.html", {"form": form, "lines": lines, "total": total(lines)})


def _own_order(request: HttpRequest, token: str) -> Order | None:
    """Return the order that this visitor's earlier click made of the same basket."""
    order = placed_order(token) if token else None
    return order if order is not None and order.reference in remembered(request.session) else None


@never_cache
@require_safe
def pay(request: HttpRequest, reference: str) -> HttpResponse:
    """Show the sum and one button. The button's form is django-payflow's."""
    page = OrderPage(get_object_or_404(Order, reference=reference))
    if not page.can_pay:
        return redirect("shop:order", reference)
    return render(request, "shop/pay.html", {"page": page, "choices": flow.accounts_for(page.order)})


@never_cache
@require_safe
def order(request: HttpRequest, reference: str) -> HttpResponse:
    """Show how the order stands, to whoever holds its unguessable reference."""
    page = OrderPage(get_object_or_404(Order, reference=reference))
    own = reference in remembered(request.session)
    email = page.order.email if own else masked(page.order.email)
    choices = flow.accounts_for(page.order) if page.can_pay else []
    return render(request, "shop/order.html", {"page": page, "choices": choices, "email": email})


@never_cache
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    """Show every mail that the shop sent. The demo only: these are other people's letters."""
    if not settings.SHOP_DEMO:
        raise Http404
    return render(request, "shop/mailbox.html", {"mails": Mail.objects.all()[:50]})


def _refuse(request: HttpRequest, form: QuantityForm) -> HttpResponse:
    wrong_number = "quantity" in form.errors and "product" not in form.errors
    text = f"Please choose between 1 and {MAX_QUANTITY} pieces." if wrong_number else "We no longer sell this."
    messages.error(request, text)
    return redirect("shop:basket")
