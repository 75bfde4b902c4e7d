-- The agents' inbox: lists by newest activity, pages without gaps or repeats, changes that do not overwrite each other, nobody else's rows.
begin;
select plan (54);
\ir lib/world.sql
\ir lib/pages.sql

-- 25 senders, two of them at the same microsecond; the 26th on another channel; one stranger.
select pg_temp.give ('many', (
    select jsonb_agg (pg_temp.say (:acme, :sms, 'M' || n, 'tel:+1555222' || lpad (n::text, 4, '0'), 'number ' || n,
                                   :'t0'::timestamptz + n / 2 * interval '1.000001 second'))
    from generate_series (1, 25) n)
    || jsonb_build_array (pg_temp.say (:acme, :other, 'O1', 'tel:+15552220001', repeat ('ä', 300), :'t0'::timestamptz + interval '1 hour'),
                          pg_temp.say (:globex, :gsms, 'G1', 'tel:+15552220001', 'theirs', :'t0'))) \gset

-- Ticket numbers in the order shown.
create function pg_temp.pages (p_account bigint, p_status text, p_channel text, p_limit int) returns bigint[] language sql as $$
    select array (select (j ->> 'number')::bigint from pg_temp.pages ('api_tickets', format ('%s, %L, %L', p_account, p_status, p_channel), p_limit) j)
$$;

select is (pg_temp.pages (:acme, null, null, 200), pg_temp.pages (:acme, null, null, 7), 'pages together are the list');
select is (cardinality (pg_temp.pages (:acme, null, null, 7)), 26, 'of every ticket');
select is ((select count (distinct n) from unnest (pg_temp.pages (:acme, null, null, 7)) n), 26::bigint, 'each once, also where two share an instant');
select is (cardinality (pg_temp.pages (:acme, null, null, 26)), 26, 'a page that just fits is the last');
select is ((select next from api_tickets (:acme, null, null, 26, null)), null, 'and names no next');
select isnt ((select next from api_tickets (:acme, null, null, 25, null)), null, 'one short, and it does');
select is (cardinality (pg_temp.pages (:acme, null, null, 1)), 26, 'pages of one work');
select is ((pg_temp.pages (:acme, null, null, 50))[1], 26::bigint, 'the newest activity is first');
select is (pg_temp.pages (:acme, null, 'other', 50), '{26}', 'a channel is asked by its slug');
select is (pg_temp.pages (:acme, null, 'nowhere', 50), '{}', 'an unknown channel has no tickets');
select is (cardinality (pg_temp.pages (:globex, null, null, 50)), 1, 'an account sees its own only');
select is ((select at from api_tickets (:acme, null, null, 1, null)), (select last_event from gateway.counter where account_id = :acme),
           'a list says at which event it is true');
select is ((select data from api_tickets (0, null, null, 50, null)), '[]', 'no tickets are an empty list');

select pg_temp.give ('more', jsonb_build_array (pg_temp.say (:acme, :sms, 'M99', 'tel:+15552220003', 'again', :'t0'::timestamptz + interval '2 hours'))) \gset
select is ((pg_temp.pages (:acme, null, null, 50))[1], 3::bigint, 'a new message brings a ticket to the top');

select throws_ok (format ('select * from api_tickets (%s, %L, null, 50, null)', :acme, 'odd'), 'SB422', null, 'an unknown status is refused');
select throws_ok (format ('select * from api_tickets (%s, null, null, 50, %L)', :acme, '; drop'), 'SB422', null, 'so is a cursor of somebody else''s making');

-- What a ticket looks like.
select ticket_id as ticket from gateway.ticket where account_id = :acme and number = 26 \gset
select body::jsonb as body, version from api_ticket (:acme, :'ticket') \gset
select is ((select array_agg (k order by k) from jsonb_object_keys (:'body') k),
           '{channel,contact,created_at,id,last_message,number,status,subject,unread,updated_at,version,window_until}', 'a ticket has the promised fields');
select is (:'body'::jsonb -> 'channel', '{"slug": "other", "adapter": "twilio"}', 'its channel');
select is (:'body'::jsonb -> 'contact' ->> 'address', 'tel:+15552220001', 'its contact''s address');
select is (:'body'::jsonb ->> 'created_at', '2026-03-02T11:00:00.000000Z', 'times in UTC with microseconds');
select is (length (:'body'::jsonb -> 'last_message' ->> 'text'), 200, 'the last message''s first 200 characters');
select is (:'body'::jsonb -> 'last_message' ->> 'kind', 'incoming', 'and its kind');
select is (:version, 1, 'and its version');
set local timezone = 'Asia/Kathmandu';
select is ((select body::jsonb from api_ticket (:acme, :'ticket')), :'body'::jsonb, 'wherever the session lives');
reset timezone;
select throws_ok (format ('select * from api_ticket (%s, %L)', :globex, :'ticket'), 'SB404', 'no such ticket', 'another account''s ticket is not there');
select throws_ok (format ('select * from api_ticket (%s, %L)', :acme, gen_random_uuid ()), 'SB404', 'no such ticket', 'nor is an unknown one');

-- Changing it.
create temporary view log as select number, type, ticket_id from gateway.event where account_id = (select account_id from gateway.account where slug = 'acme');
select last_event as before from gateway.counter where account_id = :acme \gset
select is ((select (body::json ->> 'status', version)::text from api_ticket_patch (:acme, :'ticket', 1, 'pending', null, :'t0'::timestamptz + interval '3 hours')),
           '(pending,2)', 'a ticket is set aside');
select is ((select (number, type, ticket_id)::text from log where number > :before), '(' || :before + 1 || ',ticket.updated,' || :'ticket' || ')', 'the log says so');
select throws_ok (format ('select * from api_ticket_patch (%s, %L, 1, %L, null, now ())', :acme, :'ticket', 'closed'), 'SB412', null,
                  'who saw an older version changes nothing');
select is ((select (body::json ->> 'status', version)::text from api_ticket_patch (:acme, :'ticket', 2, 'pending', null, now ())), '(pending,2)',
           'the same status again is no change');
select is ((select (body::json ->> 'status', body::json ->> 'subject', version)::text from api_ticket_patch (:acme, :'ticket', 2, null, 'Late parcel', now ())),
           '(pending,"Late parcel",3)', 'a subject is given without touching the status');
savepoint before;
select is ((select (body::json ->> 'subject', version)::text from api_ticket_patch (:acme, :'ticket', 3, null, '', now ())), '(,4)', 'and taken away again');
select is ((select (body::json ->> 'subject', version)::text from api_ticket_patch (:acme, :'ticket', null, null, 'Any', now ())), '(Any,5)', 'of whatever version there is, if so wished');
rollback to before;
select is ((select (body::json ->> 'status', version)::text from api_ticket_patch (:acme, :'ticket', 3, 'closed', null, :'t0'::timestamptz + interval '4 hours')),
           '(closed,4)', 'it is closed');
select is ((select closed_at from gateway.ticket where account_id = :acme and ticket_id = :'ticket'), :'t0'::timestamptz + interval '4 hours', 'at that time');
select is ((select (body::json ->> 'status', version)::text from api_ticket_patch (:acme, :'ticket', 4, 'open', null, now ())), '(open,5)', 'and opened again');
select is ((select closed_at from gateway.ticket where account_id = :acme and ticket_id = :'ticket'), null, 'which forgets when it was closed');
select is ((select array_agg (type order by number) from log where number > :before), '{ticket.updated,ticket.updated,ticket.closed,ticket.reopened}',
           'each change is one event, and no change is none');
select is ((select array_agg (number order by number) from log), (select array_agg (g) from generate_series (1::bigint, :before + 4) g), 'without gaps');
select throws_ok (format ('select * from api_ticket_patch (%s, %L, 5, %L, null, now ())', :acme, :'ticket', 'done'), 'SB422', null, 'an unknown status is refused');
select throws_ok (format ('select * from api_ticket_patch (%s, %L, 5, %L, null, now ())', :globex, :'ticket', 'closed'), 'SB404', null,
                  'another account''s ticket cannot be closed');

create function pg_temp.pointer (p_sql text) returns text language plpgsql as $$
declare v_pointer text;
begin
    execute p_sql;
    return 'no error';
exception when others then
    get stacked diagnostics v_pointer = constraint_name;
    return v_pointer;
end $$;
select is (pg_temp.pointer (format ('select * from api_ticket_patch (%s, %L, 5, %L, null, now ())', :acme, :'ticket', 'done')), '/status',
           'and pointed at');

-- Closed ones in the lists.
select count (p.*) from gateway.ticket t, api_ticket_patch (:acme, t.ticket_id, 1, 'closed', null, :'t0'::timestamptz + interval '5 hours' + t.number * interval '1 ms') p
where t.account_id = :acme and t.number between 10 and 15 \gset
select is (pg_temp.pages (:acme, 'closed', null, 4), '{15,14,13,12,11,10}', 'closed tickets are listed by when they were closed');
select is (cardinality (pg_temp.pages (:acme, 'open', null, 4)), 20, 'and no longer among the open');
select is (cardinality (pg_temp.pages (:acme, null, null, 4)), 26, 'but among all');
select is ((pg_temp.pages (:acme, null, null, 50))[1:7], '{15,14,13,12,11,10,3}', 'where closing is activity, too');
select is (pg_temp.pages (:acme, 'closed', 'other', 4), '{}', 'by channel as well');

-- A pair has one open ticket at most.
select ticket_id as old from gateway.ticket where account_id = :acme and number = 10 \gset
select pg_temp.give ('reopen', jsonb_build_array (pg_temp.say (:acme, :sms, 'R1', 'tel:+15552220010', 'new affair', :'t0'::timestamptz + interval '8 days'))) \gset
select throws_ok (format ('select * from api_ticket_patch (%s, %L, 2, %L, null, now ())', :acme, :'old', 'open'), 'SB409', null,
                  'an old ticket stays closed when its pair has a newer one');
select lives_ok (format ('select * from api_ticket_patch (%s, %L, 2, null, %L, now ())', :acme, :'old', 'Archived'), 'though its subject may change');

-- Contacts and channels.
select contact_id as contact from gateway.address where account_id = :acme and uri = 'tel:+15552220001' \gset
select is ((select body::jsonb - 'id' - 'created_at' - 'updated_at' from api_contact (:acme, :'contact')),
           '{"name": null, "addresses": ["tel:+15552220001"], "blocked_at": null, "opt_outs": [], "version": 1}', 'a contact with its addresses');
select throws_ok (format ('select * from api_contact (%s, %L)', :globex, :'contact'), 'SB404', 'no such contact', 'another account''s contact is not there');
select is ((select array_agg (j ->> 'slug' || ' ' || (j ->> 'status') order by o) from api_channels (:acme) c, json_array_elements (c.data::json) with ordinality x (j, o)),
           '{"other active","sms active"}', 'the channels of an account, by name');
select is ((select data from api_channels (0)), '[]', 'no channels are an empty list');
-- The plan that the inbox lives by.
select count (*) from (select pg_temp.pages (:acme, 'open', null, 50)) x \gset
set local enable_seqscan = off;
create function pg_temp.plan_of (p_sql text) returns text language plpgsql as $$
declare v_line text; v_all text := '';
begin
    for v_line in execute 'explain ' || p_sql loop v_all := v_all || v_line || E'\n'; end loop;
    return v_all;
end $$;
select matches (pg_temp.plan_of (format ('select ticket_id from gateway.ticket where account_id = %s and status <> ''closed'' order by last_message_at desc limit 51', :acme)),
                'ticket_unclosed', 'unclosed tickets are found by their own index, closed ones cost nothing');
select * from finish ();
rollback;
