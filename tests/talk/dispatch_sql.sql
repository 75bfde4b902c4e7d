-- What the sessions of dispatch_sql.test.ts do: everything that touches a line, in random order, on a few lines, each step a transaction.
create schema test;
-- What happened at the provider's, in order: begin and end of each attempt, and what it accepted.
create table test.log (seq bigserial, what text, uri text, message uuid, outcome text);

create function test.uri () returns text language sql volatile as $$ select 'tel:+1555444000' || floor (random () * 10) $$;

create function test.enqueue (p_account bigint, p_channel bigint) returns void language sql as $$
    select from api_send (p_account, null, null, p_channel, test.uri (), null, new_id (clock_timestamp ()), new_id (clock_timestamp ()),
                          new_id (clock_timestamp ()), 'outgoing', null, 'system', null, 'x', '{"kind": "text", "text": "x"}', null, null, null,
                          case when random () < 0.5 then 'bulk' else 'normal' end, null, null, null, '{}', 1 + (random () < 0.2)::int, 1, null,
                          clock_timestamp (), clock_timestamp () + interval '1 hour')
$$;

create function test.hear (p_account bigint, p_channel bigint) returns void language sql as $$
    select from intake (array[p_account], array[p_channel], array[new_id (clock_timestamp ())], array[clock_timestamp ()], '{raw}', '{null}', '{3}', '{null}',
                        '{1}', array[substr (sha256 (random ()::text::bytea), 1, 16)], array[random ()::text], array[new_id (clock_timestamp ())],
                        array[new_id (clock_timestamp ())], array[new_id (clock_timestamp ())], array[test.uri ()], '{tel:+15550001111}', '{null}', '{hello}',
                        '{"{\"kind\": \"text\", \"text\": \"hello\"}"}', '{null}', '{null}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
                        '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
                        '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')
$$;

-- The provider speaks of what it accepted: a receipt, by the message's name or by its own.
create function test.receipts (p_account bigint, p_channel bigint) returns void language sql as $$
    insert into gateway.receipt (account_id, channel_id, hash, journal_id, position, external_id, status, at, reference, reference_part)
    select p_account, p_channel, substr (sha256 (convert_to ('m ' || l.message || l.outcome, 'UTF8')), 1, 16), new_id (clock_timestamp ()), 0, l.message || l.outcome,
           (array['sent', 'delivered', 'read'])[1 + floor (random () * 3)], clock_timestamp (),
           case when random () < 0.5 then l.message end, l.outcome::int
    from (select * from test.log where what = 'accepted' order by seq desc limit 40) l
    where random () < 0.2
$$;

create function test.take (p_account bigint, p_channel bigint, p_claim uuid) returns jsonb language plpgsql as $$
declare
    v_taken jsonb;
begin
    select coalesce (jsonb_agg (c), '[]') into v_taken
    from claim (array[p_account, p_account], array[p_channel, p_channel], '{0,1}', array[1 + floor (random () * 5)::int, 1 + floor (random () * 5)::int],
                p_claim, '10 minutes') c;
    insert into test.log (what, uri, message) select 'begin', j ->> 'uri', (j ->> 'message_id')::uuid from jsonb_array_elements (v_taken) j;
    return v_taken;
end $$;

-- Ends what was claimed, each as the dice fall. An uncertain one the provider has accepted, or has not.
create function test.settle (p_taken jsonb, p_claim uuid, p_calm boolean) returns void language plpgsql as $$
declare
    v_now timestamptz := clock_timestamp ();
    v_outcome text[]; v_sent boolean[];
begin
    select array_agg (case when p_calm or r < 0.6 then case when (j ->> 'part')::int + 1 < (j ->> 'n_parts')::int then 'progress' else 'sent' end
                           when r < 0.75 then 'retry' when r < 0.8 then 'failed' when r < 0.85 then 'release' else 'uncertain' end order by o),
           array_agg (random () < 0.5 order by o)
    into v_outcome, v_sent
    from (select j, o, random () as r from jsonb_array_elements (p_taken) with ordinality x (j, o)) y;
    insert into test.log (what, uri, message, outcome)
    select 'accepted', j ->> 'uri', (j ->> 'message_id')::uuid, j ->> 'part'
    from jsonb_array_elements (p_taken) with ordinality x (j, o)
    where v_outcome[o] in ('sent', 'progress') or v_outcome[o] = 'uncertain' and v_sent[o];
    perform settle (p_claim, v_now, array_agg ((j ->> 'account_id')::bigint order by o), array_agg ((j ->> 'channel_id')::bigint order by o),
                    array_agg (j ->> 'uri' order by o), array_agg ((j ->> 'position')::bigint order by o), array_agg ((j ->> 'message_id')::uuid order by o),
                    array_agg ((j ->> 'attempt')::int order by o), array_agg ((j ->> 'part')::int order by o), v_outcome,
                    array_agg ((j ->> 'message_id') || (j ->> 'part') order by o),
                    array_agg (case when v_outcome[o] in ('sent', 'progress')
                                    then substr (sha256 (convert_to ('m ' || (j ->> 'message_id') || (j ->> 'part'), 'UTF8')), 1, 16) end order by o),
                    array_fill ('code'::text, n), array_fill ('title'::text, n), array_fill (null::text, n), array_fill (null::text, n), array_fill (200, n),
                    array_fill (1, n), array_agg (case when v_outcome[o] = 'uncertain' and random () < 0.3 then null else v_now end order by o),
                    array_fill (null::text, n), array_agg (new_id (v_now) order by o))
    from jsonb_array_elements (p_taken) with ordinality x (j, o), (select array[jsonb_array_length (p_taken)]) l (n)
    group by n;
    insert into test.log (what, uri, message, outcome)
    select 'end', j ->> 'uri', (j ->> 'message_id')::uuid, v_outcome[o]
    from jsonb_array_elements (p_taken) with ordinality x (j, o);
end $$;

-- A claim goes on after a part: until the message is done, its next settle is of the next part.
create function test.left_over (p_taken jsonb, p_claim uuid) returns jsonb language sql as $$
    select coalesce (jsonb_agg (j || jsonb_build_object ('part', d.part)), '[]')
    from jsonb_array_elements (p_taken) j
    join gateway.delivery d on d.message_id = (j ->> 'message_id')::uuid and d.claim_id = p_claim
$$;

create procedure test.work (p_rounds int) language plpgsql as $$
declare
    v_account bigint; v_channel bigint; v_dice float; v_taken jsonb; v_claim uuid; v_stranded int := 0;
begin
    select account_id, channel_id into v_account, v_channel from gateway.channel;
    for i in 1 .. p_rounds loop
        v_dice := random ();
        if v_dice < 0.5 then
            perform test.enqueue (v_account, v_channel);
        elsif v_dice < 0.6 then
            perform test.hear (v_account, v_channel);
        elsif v_dice < 0.65 then
            perform test.receipts (v_account, v_channel);
        elsif v_dice < 0.72 then
            perform match_receipts (50, clock_timestamp ());
        elsif v_dice < 0.75 then
            begin
                perform api_cancel (v_account, d.message_id, clock_timestamp ()) from (select message_id from gateway.delivery order by random () limit 1) d;
            exception
                when sqlstate 'SB409' then null;
            end;
        else
            v_claim := gen_random_uuid ();
            v_taken := test.take (v_account, v_channel, v_claim);
            commit;
            perform test.enqueue (v_account, v_channel);
            commit;
            while v_taken <> '[]' loop
                perform test.settle (v_taken, v_claim, false);
                commit;
                v_taken := test.left_over (v_taken, v_claim);
                insert into test.log (what, uri, message) select 'begin', j ->> 'uri', (j ->> 'message_id')::uuid from jsonb_array_elements (v_taken) j;
            end loop;
        end if;
        commit;
        -- Whoever looks at any time: a line with something held has something ready.
        if exists (select from gateway.delivery h where state = 1 and not exists (
                       select from gateway.delivery r where r.uri = h.uri and r.state = 0)) then
            raise 'a line was left without its baton';
        end if;
        commit;
    end loop;
end $$;

-- What is left, by one alone, until nothing is: held ones by hand.
create procedure test.drain () language plpgsql as $$
declare
    v_account bigint; v_channel bigint; v_taken jsonb; v_claim uuid;
begin
    select account_id, channel_id into v_account, v_channel from gateway.channel;
    loop
        perform api_settle (v_account, message_id, 'sent', clock_timestamp ()) from gateway.delivery where state = 2;
        commit;
        v_claim := gen_random_uuid ();
        v_taken := test.take (v_account, v_channel, v_claim);
        commit;
        exit when v_taken = '[]';
        while v_taken <> '[]' loop
            perform test.settle (v_taken, v_claim, true);
            commit;
            v_taken := test.left_over (v_taken, v_claim);
            insert into test.log (what, uri, message) select 'begin', j ->> 'uri', (j ->> 'message_id')::uuid from jsonb_array_elements (v_taken) j;
        end loop;
    end loop;
    loop
        update gateway.receipt set look_at = '-infinity' where pending;
        exit when match_receipts (1000, clock_timestamp ()) = 0;
        commit;
    end loop;
end $$;
