"""A table constraint: rows are added, never changed and never removed."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import BaseConstraint, Model

_FUNCTION = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN RAISE EXCEPTION 'rows of {table} are never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $body$
"""
_TRIGGER = "CREATE TRIGGER {name} BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"


class AppendOnly(BaseConstraint):
    """PostgreSQL has no such constraint; a trigger that refuses does the same, and belongs to the table like one."""

    def constraint_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        if model is not None and schema_editor is not None:
            schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return None

    def create_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        table = f'"{model._meta.db_table}"'
        names = {"name": f'"{self.name}"', "table": table}
        return _FUNCTION.format(name=names["name"], table=model._meta.db_table) + ";" + _TRIGGER.format(**names)

    def remove_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return f'DROP TRIGGER IF EXISTS "{self.name}" ON "{model._meta.db_table}"'

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to check of a new row."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AppendOnly) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)
