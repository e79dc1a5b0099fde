--
-- PostgreSQL database dump
--


-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: stamp_task(); Type: FUNCTION; Schema: public; Owner: todo
--

CREATE FUNCTION public.stamp_task() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.updated_at := NEW.created_at;
        NEW.completed_at := CASE WHEN NEW.completed THEN NEW.created_at END;
        NEW.fingerprint := task_fingerprint(NEW.title, NEW.description, NEW.completed);
        RETURN NEW;
    END IF;
    IF (NEW.title, NEW.description, NEW.completed, NEW.deleted_at)
        IS NOT DISTINCT FROM (OLD.title, OLD.description, OLD.completed, OLD.deleted_at)
    THEN
        RETURN OLD;
    END IF;
    NEW.created_at := OLD.created_at;
    NEW.fingerprint := OLD.fingerprint;
    NEW.updated_at := greatest(clock_timestamp(), OLD.updated_at + interval '1 microsecond');
    NEW.completed_at := CASE
        WHEN NEW.completed = OLD.completed THEN OLD.completed_at
        WHEN NEW.completed THEN NEW.updated_at
    END;
    RETURN NEW;
END $$;


ALTER FUNCTION public.stamp_task() OWNER TO todo;

--
-- Name: task_fingerprint(text, text, boolean); Type: FUNCTION; Schema: public; Owner: todo
--

CREATE FUNCTION public.task_fingerprint(title text, description text, completed boolean) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN substr(sha256(convert_to((jsonb_build_array(title, description, completed))::text, 'UTF8'::name)), 1, 16);


ALTER FUNCTION public.task_fingerprint(title text, description text, completed boolean) OWNER TO todo;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


ALTER TABLE public.alembic_version OWNER TO todo;

--
-- Name: credentials; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.credentials (
    user_id text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    CONSTRAINT ck_credentials_email_length CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT ck_credentials_password_hash_argon2id CHECK ((password_hash ~~ '$argon2id$%'::text))
);

ALTER TABLE ONLY public.credentials FORCE ROW LEVEL SECURITY;


ALTER TABLE public.credentials OWNER TO todo;

--
-- Name: signing_keys; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.signing_keys (
    kid text NOT NULL,
    private_key text NOT NULL,
    public_jwk jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    retired_at timestamp with time zone
);


ALTER TABLE public.signing_keys OWNER TO todo;

--
-- Name: tasks; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.tasks (
    user_id text NOT NULL,
    id uuid NOT NULL,
    title text NOT NULL,
    description text,
    completed boolean DEFAULT false NOT NULL,
    completed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    deleted_at timestamp with time zone,
    fingerprint bytea NOT NULL,
    CONSTRAINT ck_tasks_completed_at_with_completed CHECK ((completed = (completed_at IS NOT NULL))),
    CONSTRAINT ck_tasks_description_clean CHECK ((description !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f]'::text)),
    CONSTRAINT ck_tasks_description_length CHECK ((char_length(description) <= 10000)),
    CONSTRAINT ck_tasks_title_clean CHECK (((title = btrim(title)) AND (title !~ '[\u0001-\u001f\u007f-\u009f]'::text))),
    CONSTRAINT ck_tasks_title_length CHECK (((char_length(title) >= 1) AND (char_length(title) <= 255))),
    CONSTRAINT ck_tasks_updated_after_created CHECK ((updated_at >= created_at))
);

ALTER TABLE ONLY public.tasks FORCE ROW LEVEL SECURITY;


ALTER TABLE public.tasks OWNER TO todo;

--
-- Name: users; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.users (
    id text NOT NULL,
    email text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_users_email_length CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT ck_users_id_length CHECK (((char_length(id) >= 1) AND (char_length(id) <= 255)))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;


ALTER TABLE public.users OWNER TO todo;

--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.alembic_version (version_num) VALUES ('2026_11_22_tasks');


--
-- Data for Name: credentials; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.credentials (user_id, email, password_hash) VALUES ('00000000-0000-4000-8000-000000000001', 'ada@example.com', '$argon2id$v=19$m=19456,t=2,p=1$Mo6R8+dBrc2oUE4FbVkgvA$suB9vHVWa454cNbs1KWPVVkTQU3t+jbL+rF93H25cVQ');
INSERT INTO public.credentials (user_id, email, password_hash) VALUES ('00000000-0000-4000-8000-000000000002', 'bob@example.com', '$argon2id$v=19$m=19456,t=2,p=1$Mo6R8+dBrc2oUE4FbVkgvA$suB9vHVWa454cNbs1KWPVVkTQU3t+jbL+rF93H25cVQ');
INSERT INTO public.credentials (user_id, email, password_hash) VALUES ('00000000-0000-4000-8000-000000000003', 'Grace.Hopper@example.com', '$argon2id$v=19$m=19456,t=2,p=1$Mo6R8+dBrc2oUE4FbVkgvA$suB9vHVWa454cNbs1KWPVVkTQU3t+jbL+rF93H25cVQ');


--
-- Data for Name: signing_keys; Type: TABLE DATA; Schema: public; Owner: todo
--



--
-- Data for Name: tasks; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000001', 'Pay the rent', 'By bank transfer.
Before the third.', true, '2026-11-01 10:30:00.123456+00', '2026-11-01 10:30:00.123456+00', '2026-11-01 10:30:00.123456+00', NULL, '\x3e15d824fe54bddb9560b02591cd0475');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000002', 'Ünïcödé: 植物に水をやる 🌿 – á is not á', 'a	tab, a \ backslash, ''quotes'', $$ and a
new line', false, NULL, '2026-11-01 11:30:00.123456+00', '2026-11-01 11:30:00.123456+00', NULL, '\x3dab167aaad586fb99f7df6b03ca06f3');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000003', 'ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', false, NULL, '2026-11-01 12:30:00.123456+00', '2026-11-01 12:30:00.123456+00', NULL, '\x7fe63ba25e44d9d1539b99aee86225d8');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint) VALUES ('00000000-0000-4000-8000-000000000002', 'ada00000-0000-4000-8000-000000000006', 'Of Bob', 'Nobody else sees it.', false, NULL, '2026-11-01 15:30:00.123456+00', '2026-11-01 15:30:00.123456+00', NULL, '\x38cc3feae19ef6ab053f9d7f517b6529');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000000', 'Water the ferns', NULL, false, NULL, '2026-11-01 09:30:00.123456+00', '2026-11-25 02:23:07.468134+00', NULL, '\x696f70b686c9f6eb6534009b2cd2163b');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000004', 'In the trash', NULL, false, NULL, '2026-11-01 13:30:00.123456+00', '2026-11-25 02:23:07.468483+00', '2026-11-25 02:23:07.468464+00', '\x4c573b0a5f405c1a3ec2c42fb46add49');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000005', 'In the trash, and done', '', true, '2026-11-01 14:30:00.123456+00', '2026-11-01 14:30:00.123456+00', '2026-11-25 02:23:07.468562+00', '2026-11-25 02:23:07.468553+00', '\x04f27db41acdc0332fca334d5ae171fa');


--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.users (id, email, created_at) VALUES ('00000000-0000-4000-8000-000000000001', 'ada@example.com', '2026-11-01 09:30:00.123456+00');
INSERT INTO public.users (id, email, created_at) VALUES ('00000000-0000-4000-8000-000000000002', 'bob@example.com', '2026-11-01 09:30:00.123456+00');
INSERT INTO public.users (id, email, created_at) VALUES ('00000000-0000-4000-8000-000000000003', 'Grace.Hopper@example.com', '2026-11-01 09:30:00.123456+00');


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: credentials pk_credentials; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT pk_credentials PRIMARY KEY (user_id);


--
-- Name: signing_keys pk_signing_keys; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT pk_signing_keys PRIMARY KEY (kid);


--
-- Name: tasks pk_tasks; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT pk_tasks PRIMARY KEY (user_id, id);


--
-- Name: users pk_users; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT pk_users PRIMARY KEY (id);


--
-- Name: ix_tasks_list; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_tasks_list ON public.tasks USING btree (user_id, created_at DESC, id DESC) WHERE (deleted_at IS NULL);


--
-- Name: uq_credentials_email; Type: INDEX; Schema: public; Owner: todo
--

CREATE UNIQUE INDEX uq_credentials_email ON public.credentials USING btree (lower(email));


--
-- Name: uq_signing_keys_current; Type: INDEX; Schema: public; Owner: todo
--

CREATE UNIQUE INDEX uq_signing_keys_current ON public.signing_keys USING btree (((retired_at IS NULL))) WHERE (retired_at IS NULL);


--
-- Name: tasks stamp; Type: TRIGGER; Schema: public; Owner: todo
--

CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.stamp_task();


--
-- Name: credentials fk_credentials_user_id_users; Type: FK CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT fk_credentials_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: tasks fk_tasks_user_id_users; Type: FK CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT fk_tasks_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: credentials accounts; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY accounts ON public.credentials TO todo_accounts USING (true) WITH CHECK (true);


--
-- Name: users accounts; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY accounts ON public.users TO todo_accounts USING (true) WITH CHECK (true);


--
-- Name: credentials; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.credentials ENABLE ROW LEVEL SECURITY;

--
-- Name: tasks own; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY own ON public.tasks TO todo_app USING ((user_id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif"))) WITH CHECK ((user_id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif")));


--
-- Name: users own; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY own ON public.users TO todo_app USING ((id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif"))) WITH CHECK ((id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif")));


--
-- Name: tasks; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;

--
-- Name: users; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: pg_database_owner
--

GRANT USAGE ON SCHEMA public TO todo_app;
GRANT USAGE ON SCHEMA public TO todo_accounts;


--
-- Name: TABLE alembic_version; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT ON TABLE public.alembic_version TO todo_accounts;


--
-- Name: TABLE credentials; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT,INSERT ON TABLE public.credentials TO todo_accounts;


--
-- Name: TABLE signing_keys; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT,INSERT ON TABLE public.signing_keys TO todo_accounts;


--
-- Name: TABLE tasks; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT,DELETE ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.user_id; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(user_id) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.id; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(id) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.title; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(title),UPDATE(title) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.description; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(description),UPDATE(description) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.completed; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(completed),UPDATE(completed) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.deleted_at; Type: ACL; Schema: public; Owner: todo
--

GRANT UPDATE(deleted_at) ON TABLE public.tasks TO todo_app;


--
-- Name: TABLE users; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT ON TABLE public.users TO todo_app;
GRANT SELECT ON TABLE public.users TO todo_accounts;


--
-- Name: COLUMN users.id; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(id) ON TABLE public.users TO todo_accounts;


--
-- Name: COLUMN users.email; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(email) ON TABLE public.users TO todo_accounts;


--
-- PostgreSQL database dump complete
--


