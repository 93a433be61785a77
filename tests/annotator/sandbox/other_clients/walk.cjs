// The life of a HIT through AWS's JavaScript client. Called twice: `create`, and, once people have worked, `judge HIT`.
// It knows of the sandbox only the endpoint and the keys, which the AWS_* variables give.
const mturk = require("@aws-sdk/client-mturk");

const client = new mturk.MTurkClient({ region: "us-east-1", maxAttempts: 1 });
const call = (name, input) => client.send(new mturk[`${name}Command`](input));
const question =
  '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/' +
  'ExternalQuestion.xsd"><ExternalURL>https://example.org/hit</ExternalURL><FrameHeight>0</FrameHeight></ExternalQuestion>';

async function create() {
  const { HIT } = await call("CreateHIT", {
    Title: "From JavaScript", Description: "Say what you see.", Reward: "0.10", MaxAssignments: 2,
    AssignmentDurationInSeconds: 600, LifetimeInSeconds: 3600, Question: question,
  });
  const refused = await call("GetHIT", { HITId: "3NONE" }).catch((error) => error);
  return { hit: HIT.HITId, status: HIT.HITStatus, created: HIT.CreationTime instanceof Date,
           refused: refused.name, code: refused.TurkErrorCode };
}

async function judge(hit) {
  const listed = [];
  for await (const page of mturk.paginateListAssignmentsForHIT({ client, pageSize: 1 }, { HITId: hit })) {
    listed.push(...page.Assignments);
  }
  const [first, second] = listed;
  await call("ApproveAssignment", { AssignmentId: first.AssignmentId });
  await call("RejectAssignment", { AssignmentId: second.AssignmentId, RequesterFeedback: "Empty." });
  await call("SendBonus", { AssignmentId: first.AssignmentId, WorkerId: first.WorkerId, BonusAmount: "0.50", Reason: "Thanks" });
  const bonuses = await call("ListBonusPayments", { HITId: hit });
  await call("UpdateExpirationForHIT", { HITId: hit, ExpireAt: new Date(0) });
  await call("DeleteHIT", { HITId: hit });
  const balance = await call("GetAccountBalance", {});
  return { assignments: listed.length, answer: first.Answer.includes("<FreeText>stripes</FreeText>"),
           bonus: bonuses.BonusPayments[0].BonusAmount, balance: balance.AvailableBalance };
}

const [act, hit] = process.argv.slice(2);
(act === "create" ? create() : judge(hit)).then(
  (found) => console.log(JSON.stringify(found)),
  (error) => { console.error(error); process.exit(1); },
);
