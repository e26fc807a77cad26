// The story of `test_official_sdks.py`, told by Node's own SDK: it drives, verifies and answers.
const http = require('http');
const Stripe = require('stripe');

const [base, key, account] = process.argv.slice(2);
const url = new URL(base);
const stripe = new Stripe(key, {
  host: url.hostname, port: url.port, protocol: 'http', telemetry: false, maxNetworkRetries: 2,
});
const own = {stripeAccount: account};
const seen = [];
let secret = null;
let forged = 0;

const receiver = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', chunk => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    const signature = request.headers['stripe-signature'];
    const event = stripe.webhooks.constructEvent(body, signature, secret);
    try { stripe.webhooks.constructEvent(body + ' ', signature, secret); } catch (error) { forged += 1; }
    seen.push(event.type);
    response.setHeader('Stripe-Version', '2026-10-28.endive');
    response.setHeader('Content-Type', 'application/json');
    if (event.type === 'issuing_authorization.request') {
      const approved = event.data.object.pending_request.amount <= 5000;
      response.end(JSON.stringify({approved, metadata: {answered_by: 'story'}}));
    } else {
      response.end('{}');
    }
  });
});

async function settled() {
  const options = {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'};
  return (await fetch(base + '/_simulator/settle', options)).json();
}

async function refusal(promise) {
  try { await promise; } catch (error) { return [error.statusCode, error.code || null]; }
  return null;
}

async function tell() {
  const endpoint = await stripe.webhookEndpoints.create({
    url: `http://127.0.0.1:${receiver.address().port}/hook`, connect: true,
    enabled_events: ['*', 'issuing_authorization.request'],
  });
  secret = endpoint.secret;
  const holder = await stripe.issuing.cardholders.create({
    name: 'Ada', type: 'company',
    billing: {address: {line1: '1', city: 'C', postal_code: '1', country: 'US'}},
  }, own);
  const order = {
    cardholder: holder.id, currency: 'usd', type: 'virtual', status: 'active',
    lifecycle_controls: {cancel_after: {payment_count: 1}},
    spending_controls: {spending_limits: [{amount: 9000, interval: 'all_time'}]},
    metadata: {order: 'claim-1'},
  };
  const card = await stripe.issuing.cards.create(order, {...own, idempotencyKey: 'card-1'});
  const again = await stripe.issuing.cards.create(order, {...own, idempotencyKey: 'card-1'});
  const helper = stripe.testHelpers.issuing.authorizations;
  const declined = await helper.create({card: card.id, amount: 6000}, own);
  const bought = await helper.create({card: card.id, amount: 4000}, own);
  const part = await helper.capture(
    bought.id, {capture_amount: 1500, close_authorization: false}, own);
  const done = await helper.capture(bought.id, {capture_amount: 2500}, own);
  const dead = await stripe.issuing.cards.retrieve(card.id, {expand: ['number', 'cvc']}, own);
  await stripe.testHelpers.issuing.transactions.refund(done.transactions[0].id, {}, own);
  const listed = [];
  for await (const one of stripe.issuing.transactions.list({limit: 1}, own)) listed.push(one.amount);
  const transfer = await stripe.transfers.create(
    {amount: 70, currency: 'usd', destination: account, transfer_group: 'g'});
  const back = await stripe.transfers.createReversal(transfer.id, {amount: 20});
  const balance = await stripe.balance.retrieve({}, own);
  const refused = [
    await refusal(stripe.issuing.cards.update(card.id, {status: 'active'}, own)),
    await refusal(stripe.issuing.cards.retrieve('ic_none', {}, own)),
    await refusal(stripe.transfers.create({amount: 1, currency: 'usd'})),
  ];
  await settled();
  return {
    same_card: card.id === again.id,
    declined: [declined.approved, declined.request_history[0].reason],
    approved: [bought.approved, bought.metadata.answered_by],
    captured: [part.status, done.status],
    card: [dead.status, dead.number.slice(0, 9), dead.cvc.length, dead.metadata.order],
    listed,
    transfer: [back.amount, (await stripe.transfers.retrieve(transfer.id)).amount_reversed],
    issuing: balance.issuing.available.map(each => each.amount),
    refused,
    asked: seen.filter(type => type === 'issuing_authorization.request').length,
    kinds: [...new Set(seen)].sort(),
    forged_refused: forged === seen.length,
  };
}

receiver.listen(0, '127.0.0.1', () => {
  tell()
    .then(told => { console.log(JSON.stringify(told)); process.exit(0); })
    .catch(error => { console.error(error); process.exit(1); });
});
