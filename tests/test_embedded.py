"""The embedded services start, serve two users at once, survive a killed user and stop with the last."""


def test_the_database_answers(db: None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT version()")
        assert "PostgreSQL" in cursor.fetchone()[0]
