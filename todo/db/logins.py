"""Who else may connect: roles belong to the cluster, so the login of another todo database there may work as ours."""

from typing import Any

import psycopg

from todo.db.roles import ACCOUNTS

OTHERS = """
select r.rolname, d.datname, session_user from pg_roles r, pg_database d
where d.datname = current_database()
  and r.rolcanlogin and not r.rolsuper and r.rolname <> session_user and r.oid <> d.datdba
  and pg_has_role(r.oid, %s, 'MEMBER')
  and exists (
      select from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
      where a.grantee = 0 and a.privilege_type = 'CONNECT'
  )
order by 1
"""


def warning_of(connection: psycopg.Connection[Any]) -> str | None:
    """What an operator should do so that no other login works on this database, in one line; None where none can."""
    found = connection.execute(OTHERS, [ACCOUNTS]).fetchall()
    if not found:
        return None
    others, (_, database, login) = ", ".join(row[0] for row in found), found[0]
    return (
        f"other logins of this cluster ({others}) may connect to this database and work as {ACCOUNTS}: "
        f'GRANT CONNECT ON DATABASE "{database}" TO "{login}" and to others that need it, '
        f'then REVOKE CONNECT ON DATABASE "{database}" FROM PUBLIC'
    )
