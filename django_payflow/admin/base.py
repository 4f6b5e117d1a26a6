"""What all pages have in common: read-only rows, panels below the fields, commands on their own addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from .. import conf, flow
from ..exceptions import CommandRefused, ConfigurationError
from ..models import Move
from ..tasks import wake
from .display import Panel, page_of
from .forms import OperationForm
from .operations import Operation

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    ModelAdmin = admin.ModelAdmin[Any]
    ListFilter = admin.SimpleListFilter
else:
    ModelAdmin = admin.ModelAdmin

__all__ = ["AccountFilter", "ReadOnlyAdmin"]


class ReadOnlyAdmin(ModelAdmin):
    """Look, do not touch. Only the flow writes these rows, whatever a browser posts to the change form."""

    actions = None
    show_full_result_count = False
    list_per_page = 50
    change_form_template = "payflow/admin/change_form.html"
    operation_template = "payflow/admin/operation.html"
    operations: Sequence[Operation] = ()
    secret_fields: frozenset[str] = frozenset({"lease_token"})
    """Columns that nobody may read, not even by filtering a list for their first letters."""

    class Media:
        css = {"all": ["payflow/admin.css"]}

    # -- who may do what

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a row by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits one; the model's change permission lets a person give commands, see ``may_operate``."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes one."""
        return False

    def may_operate(self, request: HttpRequest, operation: Operation | None = None) -> bool:
        """Whether this person may give a command: with one of its permissions, or the model's change permission."""
        needed = operation.permissions if operation else ()
        usual = f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}"
        return any(request.user.has_perm(name) for name in needed or (usual,))

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Refuse to filter by what is secret: ``?token__startswith=a`` would give it away letter by letter."""
        if lookup.split("__")[0] in self.secret_fields:
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    # -- the page of a row

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every field that the page shows."""
        return flatten_fieldsets(self.get_fieldsets(request, obj))

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        """Return what stands below the fields."""
        return ()

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the row with its panels and the commands that are open to this person."""
        if (row := kwargs.get("obj")) is not None:
            buttons = [(page_of(self.admin_site, row, o.name), o.label) for o in self.open_operations(request, row)]
            context |= {"payflow_panels": self.panels(request, row), "payflow_operations": buttons}
        return super().render_change_form(request, context, *args, **kwargs)

    # -- commands

    def load(self, row: Any) -> None:
        """Read along what the commands must know to say whether they are possible."""

    def open_operations(self, request: HttpRequest, row: Any) -> list[Operation]:
        """Return the commands that this person may give about this row now."""
        allowed = [operation for operation in self.operations if self.may_operate(request, operation)]
        if allowed:
            self.load(row)
        actor = request.user.get_username()
        return [operation for operation in allowed if not operation.refuse(row, actor)]

    def get_urls(self) -> list[URLPattern]:
        """Add an address per command."""
        opts = self.opts
        own = [
            path(f"<int:pk>/{o.name}/", self._view(o), name=f"{opts.app_label}_{opts.model_name}_{o.name}")
            for o in self.operations
        ]
        return [*own, *super().get_urls()]

    def _view(self, operation: Operation) -> Callable[..., HttpResponseBase]:
        def view(request: HttpRequest, pk: int) -> HttpResponseBase:
            # Before the row is looked for: who may not give the command does not learn which rows exist.
            if not self.may_operate(request, operation):
                raise PermissionDenied
            row = get_object_or_404(self.get_queryset(request), pk=pk)
            self.load(row)
            form = self._form(request, operation, row)
            if request.method == "POST" and (form is None or form.is_valid()):
                if self._carry_out(request, operation, row, form):
                    return HttpResponseRedirect(page_of(self.admin_site, row), status=303)
                row = self._again(request, row)
            return self._ask_first(request, operation, row, form)

        return self.admin_site.admin_view(
            flow.outside_of_transactions(require_http_methods(["GET", "HEAD", "POST"])(view))
        )

    def _form(self, request: HttpRequest, operation: Operation, row: Any) -> OperationForm | None:
        if operation.form is None:
            return None
        return operation.form(request.POST if request.method == "POST" else None, row=row)

    def _again(self, request: HttpRequest, row: Any) -> Any:
        found = self.get_queryset(request).get(pk=row.pk)
        self.load(found)
        return found

    def _ask_first(
        self, request: HttpRequest, operation: Operation, row: Any, form: OperationForm | None
    ) -> HttpResponse:
        request.current_app = self.admin_site.name  # the url tag reads it
        refusal = operation.refuse(row, request.user.get_username())
        context = {
            **self.admin_site.each_context(request),
            "title": operation.label,
            "subtitle": str(row),
            "opts": self.opts,
            "original": row,
            "back": page_of(self.admin_site, row),
            "explanation": [] if refusal else operation.explain(row),
            "refusal": refusal,
            "form": form,
            "media": self.media,
        }
        return TemplateResponse(request, self.operation_template, context)

    def _carry_out(self, request: HttpRequest, operation: Operation, row: Any, form: OperationForm | None) -> bool:
        """Give the command. Returns false when it was refused and the person may say it in another way."""
        actor = request.user.get_username()
        try:
            result = operation.run(row.pk, actor, **(form.cleaned_data if form else {}))
        except (CommandRefused, ConfigurationError) as refused:
            if form is not None and not operation.refuse(self._again(request, row), actor):
                form.refuse(refused)
                return False
            words = _("Not done: %(reason)s.") % {"reason": str(refused).rstrip(".")}
            self.message_user(request, words, messages.ERROR)
            return True
        wake(result)
        self.log_change(request, row, _said(operation, result))
        level, told = operation.tell(self._again(request, row), result)
        self.message_user(request, str(told), level)
        return True


def _said(operation: Operation, result: flow.Result) -> str:
    """Return what Django's own log keeps: the command, and which capture, void or refund came of it."""
    if not isinstance(result, flow.Moved):
        return str(operation.label)
    return f"{operation.label}: {Move.objects.get(pk=result.move_id)}"


class AccountFilter(admin.SimpleListFilter):
    """Filter by account, from the settings: asking the table for its distinct values would read all of it."""

    title: _StrOrPromise = "account"
    parameter_name = "account"
    column = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the aliases of the settings."""
        return [(alias, alias) for alias in conf.get().providers]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Keep the rows of the chosen account."""
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset
