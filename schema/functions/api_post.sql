-- POSTs of the API beside api_send: each does its work and keeps what it answered in one transaction, so that the same POST again has the
-- same answer. p_hash null: no Idempotency-Key was given, nothing is kept.

create function keep_answer (p_account bigint, p_hash bytea, p_fingerprint bytea, p_status int, p_body text, p_now timestamptz)
returns void language sql as $$
    insert into gateway.idempotency (account_id, hash, fingerprint, status, body, created_at)
    select p_account, p_hash, p_fingerprint, p_status, p_body, p_now
    where p_hash is not null
$$;
comment on function keep_answer is 'keeps the answer to a POST; the caller has asked replay';

create function post_cancel (p_account bigint, p_hash bytea, p_fingerprint bytea, p_message uuid, p_now timestamptz)
returns table (status int, body text, replayed boolean) language plpgsql as $$
#variable_conflict use_column
begin
    return query select r.status, r.body, true from replay (p_account, p_hash, p_fingerprint) r;
    if not found then
        return query select 200, c.body, false from api_cancel (p_account, p_message, p_now) c;
        perform keep_answer (p_account, p_hash, p_fingerprint, 200, j::text, p_now) from message_json (p_account, p_message) j;
    end if;
end $$;
comment on function post_cancel is 'api_cancel, once for an Idempotency-Key; locks the key first; SB404, SB409, SB422';

create function post_settle (p_account bigint, p_hash bytea, p_fingerprint bytea, p_message uuid, p_as text, p_now timestamptz)
returns table (status int, body text, replayed boolean) language plpgsql as $$
#variable_conflict use_column
begin
    return query select r.status, r.body, true from replay (p_account, p_hash, p_fingerprint) r;
    if not found then
        return query select 200, s.body, false from api_settle (p_account, p_message, p_as, p_now) s;
        perform keep_answer (p_account, p_hash, p_fingerprint, 200, j::text, p_now) from message_json (p_account, p_message) j;
    end if;
end $$;
comment on function post_settle is 'api_settle, once for an Idempotency-Key; locks the key first; SB404, SB409, SB422';

create function post_attachment (p_account bigint, p_hash bytea, p_fingerprint bytea, p_attachment uuid, p_mime text, p_name text, p_size bigint,
                                 p_sha256 bytea, p_now timestamptz)
returns table (status int, body text, replayed boolean) language plpgsql as $$
#variable_conflict use_column
declare
    v_body text;
begin
    return query select r.status, r.body, true from replay (p_account, p_hash, p_fingerprint) r;
    if not found then
        select a.body into v_body from api_attachment_create (p_account, p_attachment, p_mime, p_name, p_size, p_sha256, p_now) a;
        perform keep_answer (p_account, p_hash, p_fingerprint, 201, v_body, p_now);
        return query select 201, v_body, false;
    end if;
end $$;
comment on function post_attachment is 'api_attachment_create, once for an Idempotency-Key; locks the key; SB422';

create function post_reprocessed (p_account bigint, p_hash bytea, p_fingerprint bytea, p_entry uuid, p_now timestamptz)
returns table (status int, body text, replayed boolean) language plpgsql as $$
#variable_conflict use_column
begin
    return query select r.status, r.body, true from replay (p_account, p_hash, p_fingerprint) r;
    if not found then
        return query select 200, q.body, false from api_quarantine_done (p_account, p_entry, p_now) q;
        perform keep_answer (p_account, p_hash, p_fingerprint, 200, j::text, p_now) from quarantine_json (p_account, p_entry) j;
    end if;
end $$;
comment on function post_reprocessed is 'api_quarantine_done, once for an Idempotency-Key; locks the key first; SB404, SB422';

-- Uploads as a message needs them; no row for what is not there. Whether they are in another message already is for api_send to say.
create function api_files (p_account bigint, p_files uuid[]) returns table (place int, mime text, name text, size bigint) language sql stable as $$
    select x.o::int - 1, a.mime, a.name, a.size
    from unnest (p_files) with ordinality x (i, o)
    join gateway.attachment a on a.account_id = p_account and a.attachment_id = x.i
    where a.status = 'stored'
    order by x.o
$$;
comment on function api_files is 'stored files by their ids; no locks';

create function media_secret () returns bytea language sql stable as $$
    select s.value from gateway.secret s where s.name = 'media'
$$;
comment on function media_secret is 'what the URLs under /media are signed with; no locks';
