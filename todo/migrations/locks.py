"""How a migration takes the locks that writers run into: all at once, before its work, and never for long.

Who waits for such a lock holds up everybody behind it. So it is tried for as long as `lock_timeout` says, which is
less than `deadlock_timeout` (1 s): where it and a writer wait for one another, the migration gives way and no writer
is ended. Then they pass, and it is tried again. A migration whose process stands still loses its locks after a minute.
"""

TRIES = 100

TAKE = f"""
DO $$
BEGIN
    PERFORM set_config('idle_in_transaction_session_timeout', '60000', true);
    FOR attempt IN 1..{TRIES} LOOP
        BEGIN
            LOCK TABLE {{tables}} IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF attempt = {TRIES} THEN RAISE; END IF;
            PERFORM pg_sleep(0.2 + random() * 0.6);
        END;
    END LOOP;
END $$
"""


def take(*tables: str) -> str:
    """The statement that locks the tables until the end of the transaction, tasks before users as the writers do."""
    return TAKE.format(tables=", ".join(tables))
